"""Which scope each view needs of a token, for each of its methods. A view that declares none takes no token."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from search.access.reach import reaches
from search.access.scopes import Scope
from search.models import ApiToken

from .problems import no_collection


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a view asks of tokens. `scopes` are by method.

    One that `keeps_to_collections` takes tokens that are limited to collections: its address names the collection.
    """

    scopes: Mapping[str, Scope]
    keeps_to_collections: bool = False


def check_token(token: ApiToken, request: Request, view: APIView) -> None:
    """Raise PermissionDenied or NotFound where `token` does not cover the request."""
    policy: TokenPolicy | None = getattr(view, "token_policy", None)
    method = request.method or ""
    if policy is None:
        raise PermissionDenied(_("This address takes no tokens. Use a name and a password."))
    if method not in view.allowed_methods or method == "OPTIONS":
        return  # it answers 405
    scope = policy.scopes.get("GET" if method == "HEAD" else method)
    if scope is None:
        raise PermissionDenied(_("This address takes no tokens for %(method)s.") % {"method": method})
    if scope not in token.scopes:
        raise PermissionDenied(_("This needs a token with the scope %(scope)s.") % {"scope": scope.value})
    if not token.collections_limited:
        return
    if not policy.keeps_to_collections:
        raise PermissionDenied(_("This address takes no tokens that are limited to collections."))
    if not reaches(token, view.kwargs["slug"]):
        raise NotFound(no_collection(view.kwargs["slug"]))
