"""Who one is to the API, and what can be done with the token that one came with: a new secret, or its end.

No answer with a secret is kept for an Idempotency-Key: it would be stored nowhere else.
"""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access import tokens
from search.access.reach import reachable_collections
from search.access.scopes import Scope
from search.models import ApiToken

from .exceptions import Conflict
from .fields import Choice
from .schema import problems
from .token_policies import TokenPolicy, in_view


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its secret."""

    scopes = serializers.ListField(child=Choice(choices=[scope.value for scope in Scope]))
    collections = serializers.SerializerMethodField(help_text="Slugs of those that it reaches; null where it is all.")

    class Meta:
        model = ApiToken
        fields = ("name", "public_id", "scopes", "collections", "created_at", "expires_at")

    def get_collections(self, token: ApiToken) -> list[str] | None:
        if not token.collections_limited:
            return None
        return list(reachable_collections(token).order_by("slug").values_list("slug", flat=True))


class MeSerializer(serializers.Serializer[Any]):
    """Who asks."""

    username = serializers.CharField()
    groups = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField(), help_text="Such as `search.add_document`.")
    token = TokenSerializer(allow_null=True, help_text="Null where it was not a token that was sent.")


class NewTokenSerializer(serializers.Serializer[Any]):
    """A new token, whose text is shown this once."""

    text = serializers.CharField(help_text="`sems_…`; it is stored nowhere.")
    token = TokenSerializer()
    old_expires_at = serializers.DateTimeField(help_text="Until then the token that was sent goes on working.")


class MayEndTokens(BasePermission):
    """As in the admin: ending tokens is changing them; a new secret is a new token, too."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = ["search.change_apitoken", *(["search.add_apitoken"] if request.method == "POST" else [])]
        return request.user.has_perms(needed)


class MeView(APIView):
    """Who one is here."""

    permission_classes = [IsAuthenticated]
    token_policy = TokenPolicy({"GET": None}, in_view)

    @extend_schema(operation_id="me", responses={200: MeSerializer, **problems(401, 403)})
    def get(self, request: Request) -> Response:
        """Say whose name and token these are, and what may be done with them."""
        token = request.auth if isinstance(request.auth, ApiToken) else None
        own = (name for name in request.user.get_all_permissions() if name.startswith("search."))
        facts = {
            "username": request.user.get_username(),
            "groups": request.user.groups.order_by("name").values_list("name", flat=True),
            "permissions": sorted(own),
            "token": token,
        }
        return Response(MeSerializer(facts).data)


class MyTokenView(APIView):
    """The token of the request."""

    permission_classes = [MayEndTokens]
    token_policy = TokenPolicy({"DELETE": None}, in_view)

    @extend_schema(operation_id="me_token_revoke", responses={204: None, **problems(401, 403, 409)})
    def delete(self, request: Request) -> Response:
        """Revoke the token that this request is made with: from the next request on it opens nothing."""
        tokens.revoke(_token_of(request))
        return Response(status=204)


class RotateMyTokenView(APIView):
    """A new secret for who has the old one."""

    permission_classes = [MayEndTokens]
    token_policy = TokenPolicy({"POST": None}, in_view)

    @extend_schema(
        operation_id="me_token_rotate",
        request=None,
        responses={201: NewTokenSerializer, **problems(401, 403, 409)},
    )
    def post(self, request: Request) -> Response:
        """Make a token like the one of this request, which goes on working for another day at most."""
        token = _token_of(request)
        try:
            issued = tokens.rotate(token, by=request.user)  # type: ignore[arg-type]
        except ValueError as error:  # it has ended since it was checked
            raise Conflict(_("This token is over; make a new one.")) from error
        made = {"text": issued.text, "token": issued.token, "old_expires_at": token.expires_at}
        return Response(NewTokenSerializer(made).data, status=201, headers={"Cache-Control": "no-store"})


def _token_of(request: Request) -> ApiToken:
    if not isinstance(request.auth, ApiToken):
        raise Conflict(
            _("This request was not made with a token. Send the token itself: `Authorization: Bearer sems_…`.")
        )
    return request.auth
