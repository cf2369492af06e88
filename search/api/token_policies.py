"""Which scope each view needs of a token, for each of its methods, and how it keeps to a token's collections.

Every view of the API declares its policy; one without takes no token at all, and a test that goes through the
addresses fails for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from search.access.reach import reachable_collections, reaches
from search.access.scopes import Scope
from search.models import ApiToken
from search.query_service import default_collection

from .problems import no_collection

_Row = TypeVar("_Row", bound=Model)
Keeping = Callable[[ApiToken, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a view asks of tokens. `scopes` are by method; None is any token that works.

    `keeping` raises NotFound where a token that is limited to collections does not reach what the address names;
    without it, and for the methods `not_limited`, such tokens are refused.
    """

    scopes: Mapping[str, Scope | None]
    keeping: Keeping | None = None
    not_limited: frozenset[str] = field(default_factory=frozenset)


MANAGING: Mapping[str, Scope | None] = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), Scope.INDEX_MANAGE)
"""For what belongs to the quality of a collection's index: versions, evaluation, curation."""
IMPORTING: Mapping[str, Scope | None] = {
    "GET": Scope.DOCUMENTS_READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), Scope.DOCUMENTS_WRITE)
}  # fmt: skip
"""For imports, which show whole rows."""


def by_slug(token: ApiToken, named: Mapping[str, Any]) -> None:
    """Keep to the collection that the address names."""
    if not reaches(token, named["slug"]):
        raise NotFound(no_collection(named["slug"]))


def by_row(model: type[Model], path: str = "collection") -> Keeping:
    """Keep to the collection, at the end of `path`, of the rows whose ids the address names."""

    def keep(token: ApiToken, named: Mapping[str, Any]) -> None:
        ids = {named["pk"], named.get("other", named["pk"])}
        rows = model._default_manager.filter(pk__in=ids, **{f"{path}__in": reachable_collections(token)})
        if rows.count() < len(ids):
            raise NotFound(_("There is nothing at this address that the token reaches."))

    return keep


def in_view(token: ApiToken, named: Mapping[str, Any]) -> None:
    """Leave it to the view, which narrows what it shows (`narrowed`) or checks what it is asked for (`reached`)."""


def check_token(token: ApiToken, request: Request, view: APIView) -> None:
    """Raise PermissionDenied or NotFound where `token` does not cover the request."""
    policy: TokenPolicy | None = getattr(view, "token_policy", None)
    method = request.method or ""
    if policy is None:
        raise PermissionDenied(_("This address takes no tokens. Use a name and a password."))
    if method not in view.allowed_methods or method == "OPTIONS":
        return  # it answers 405
    method = "GET" if method == "HEAD" else method
    if method not in policy.scopes:
        raise PermissionDenied(_("This address takes no tokens for %(method)s.") % {"method": method})
    scope = policy.scopes[method]
    if scope is not None and scope not in token.scopes:
        raise PermissionDenied(_("This needs a token with the scope %(scope)s.") % {"scope": scope.value})
    if not token.collections_limited:
        return
    if policy.keeping is None or method in policy.not_limited:
        raise PermissionDenied(_("This address takes no tokens that are limited to collections."))
    policy.keeping(token, view.kwargs)


def narrowed(request: Request, rows: "QuerySet[_Row]", path: str = "collection") -> "QuerySet[_Row]":
    """Return those of `rows` whose collection, at the end of `path`, the request's token reaches."""
    token = _token(request)
    if token is None or not token.collections_limited:
        return rows
    return rows.filter(**{f"{path}__in": reachable_collections(token)})


def reached(request: Request, slugs: str) -> str:
    """Return the collections that are asked for, several with commas between; NotFound where a token reaches one not.

    Where none is asked for and the token is limited, that is its own if it has one, else the installation's default.
    """
    token = _token(request)
    if token is None or not token.collections_limited:
        return slugs
    own = list(reachable_collections(token).values_list("slug", flat=True)[:2])
    default = default_collection()
    asked = slugs or (own[0] if len(own) == 1 else default.slug if default else "")
    for slug in asked.split(","):
        if not reaches(token, slug.strip()):
            raise NotFound(no_collection(slug.strip()))
    return asked


def _token(request: Request) -> ApiToken | None:
    return request.auth if isinstance(request.auth, ApiToken) else None
