"""HTTP Basic authentication that answers 401 to names no database can look up, instead of failing."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import BasicScheme
from rest_framework import authentication, exceptions

from search.storable import storable


class BasicAuthentication(authentication.BasicAuthentication):
    """Name and password of a Django user."""

    www_authenticate_realm = "semsearch"

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        if storable(userid) != userid or storable(password) != password:
            raise exceptions.AuthenticationFailed(_("Invalid username/password."))
        return super().authenticate_credentials(userid, password, request)


class BasicAuthenticationScheme(BasicScheme):  # type: ignore[no-untyped-call]
    """The same, for the OpenAPI schema."""

    target_class = "search.api.authentication.BasicAuthentication"
