"""Who asks: HTTP Basic, which answers 401 to names no database can look up, and tokens. Never falls back to nobody."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import BasicScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from search.access import tokens
from search.models import ApiToken
from search.storable import storable


class BasicAuthentication(authentication.BasicAuthentication):
    """Name and password of a Django user."""

    www_authenticate_realm = "semsearch"

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        if storable(userid) != userid or storable(password) != password:
            raise exceptions.AuthenticationFailed(_("Invalid username/password."))
        return super().authenticate_credentials(userid, password, request)

    def authenticate_header(self, request: Request) -> str | None:
        """Name the scheme that was tried: DRF asks the first class for all of them."""
        if _is_bearer(request):
            return f'Bearer realm="{self.www_authenticate_realm}", error="invalid_token"'
        return super().authenticate_header(request)


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer sems_…`. Also the gate: no view is reached with a token that its policy does not admit."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        from .token_policies import check_token  # DRF reads this module while its own views are being imported

        if not _is_bearer(request):
            return None
        sent = authentication.get_authorization_header(request).decode("latin-1")
        token = tokens.authenticate(sent[len("bearer") :].strip())
        if token is None:
            raise exceptions.AuthenticationFailed(_("The token is not valid: unknown, expired or revoked."))
        check_token(token, request, request.parser_context["view"])
        return token.owner, token


def _is_bearer(request: Request) -> bool:
    header = authentication.get_authorization_header(request).lower()
    return header == b"bearer" or header.startswith(b"bearer ")


class BasicAuthenticationScheme(BasicScheme):  # type: ignore[no-untyped-call]
    """The same, for the OpenAPI schema."""

    target_class = "search.api.authentication.BasicAuthentication"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tokens, for the OpenAPI schema."""

    target_class = "search.api.authentication.TokenAuthentication"
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
