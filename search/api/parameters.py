"""What stands behind the ? of an address, checked: with an unknown name ignored, a misspelt filter finds too much."""

import difflib
from collections.abc import Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

_EVERYWHERE = frozenset({"format"})
_PAGING = frozenset({"cursor", "page_size"})
_MOST_NAMED = 20


def parameters(
    request: Request, serializer: serializers.Serializer[Any], *, lists: Sequence[str] = (), paged: bool = False
) -> dict[str, Any]:
    """Return the request's parameters as `serializer` reads them; `lists` may be repeated. Raises ValidationError."""
    given = known_parameters(request, serializer, paged=paged)
    asked: dict[str, Any] = {name: given[name] for name in given if name in serializer.fields and name not in lists}
    asked |= {name: given.getlist(name) for name in lists if name in given}
    checked: dict[str, Any] = serializer.run_validation(asked)
    return checked


def known_parameters(request: Request, serializer: serializers.Serializer[Any], *, paged: bool = False) -> QueryDict:
    """Return the request's parameters as they came, if `serializer` has a field for each. Raises ValidationError."""
    known = set(serializer.fields)
    also = _EVERYWHERE | (_PAGING if paged else frozenset())
    unknown = [name for name in request.query_params if name not in known | also]
    if unknown:
        raise ValidationError({name: [_unknown(name, known)] for name in unknown[:_MOST_NAMED]})
    return request.query_params


def _unknown(name: str, known: set[str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(known), n=1)
    if nearest:
        return _("There is no such parameter. Did you mean %(nearest)s?") % {"nearest": nearest[0]}
    return _("There is no such parameter. Parameters: %(known)s.") % {"known": ", ".join(sorted(known))}
