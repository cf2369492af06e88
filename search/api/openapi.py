"""How the OpenAPI schema is made of the views: what drf-spectacular cannot know of this API."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from .once import IDEMPOTENCY_KEY, Once
from .permissions import MayRead

_USED_OTHERWISE = "The Idempotency-Key belongs to another request, or to one that is being worked on."


class OpenApiSchema(AutoSchema):
    """Says which operations need no account where searching is public, and which take an Idempotency-Key."""

    def get_auth(self) -> list[dict[str, Any]]:
        auth: list[dict[str, Any]] = super().get_auth()
        for permission in self.view.get_permissions():
            if type(permission) is MayRead or (isinstance(permission, MayRead) and self.method in SAFE_METHODS):
                return [*auth, {}]
        return auth

    def get_override_parameters(self) -> list[Any]:
        """Return what a view says beside its serializers."""
        own: list[Any] = super().get_override_parameters()
        return [*own, IDEMPOTENCY_KEY] if self._may_be_sent_twice() else own

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation, with the refusal of a key where it takes one."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None and self._may_be_sent_twice():
            answers = operation["responses"]
            answers.setdefault(
                "409", {**answers["401"], "description": "The Idempotency-Key belongs to another request."}
            )
        return operation

    def _may_be_sent_twice(self) -> bool:
        return self.method == "POST" and isinstance(self.view, Once)
