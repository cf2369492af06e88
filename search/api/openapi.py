"""How the OpenAPI schema is made of the views: what drf-spectacular cannot know of this API."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from .permissions import MayRead


class OpenApiSchema(AutoSchema):
    """Says which operations need no account where searching is public."""

    def get_auth(self) -> list[dict[str, Any]]:
        auth: list[dict[str, Any]] = super().get_auth()
        for permission in self.view.get_permissions():
            if type(permission) is MayRead or (isinstance(permission, MayRead) and self.method in SAFE_METHODS):
                return [*auth, {}]
        return auth
