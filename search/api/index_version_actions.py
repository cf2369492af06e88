"""What can be done with index versions over HTTP: rebuild, activate, take back, cancel, prune.

Each address makes one call and answers with the version as it is then; a refusal is 409 with the reason.
"""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search import tasks
from search.access.scopes import Scope
from search.indexing import lifecycle, retention
from search.models import Collection, IndexVersion

from .document_answers import collection_at
from .exceptions import Conflict
from .index_version_serializers import (
    ActivationSerializer,
    IndexVersionSerializer,
    MissedSerializer,
    RebuildRequestedSerializer,
    RebuildSerializer,
    RolledBackSerializer,
)
from .index_version_views import index_version_answer, index_version_at
from .once import Once
from .parsers import sent
from .permissions import MayRebuild, MaySteerIndexVersions, may_override_gate
from .schema import problems
from .token_policies import TokenPolicy, by_row, by_slug

_READ = problems(401, 403, 404, 409)
_BODY = problems(400, 401, 403, 404, 409, 411, 413, 415)


class VersionAction(GenericAPIView[IndexVersion]):
    """An address below one index version."""

    permission_classes = [MaySteerIndexVersions]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE, "POST": Scope.INDEX_MANAGE}, by_row(IndexVersion))
    action_permission = "search.change_indexversion"
    serializer_class: Any = IndexVersionSerializer
    queryset = IndexVersion.objects.all()


class ActivateView(Once, VersionAction):
    """Making a ready version live."""

    @extend_schema(
        operation_id="index_versions_activate",
        request=ActivationSerializer,
        responses={200: IndexVersionSerializer, 202: IndexVersionSerializer, **_BODY},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Put a ready version live in one transaction; with a reason, also one that its gate refuses.

        202 while it has changes waiting or has yet to be judged as it is now: it goes live once its gate lets it.
        """
        reason = given(ActivationSerializer, request)["override_reason"].strip()
        if reason and not may_override_gate(request.user):
            raise PermissionDenied(_("Activating against the gate needs the permission override_gate."))
        try:
            live = lifecycle.activate(index_version_at(pk), by=_person(request), override_reason=reason)
        except lifecycle.CannotActivate as error:
            raise Conflict(str(error)) from error
        return Response(index_version_answer(pk), status=200 if live else 202)


class RollBackView(Once, VersionAction):
    """Taking a retired version back."""

    @extend_schema(
        operation_id="index_versions_roll_back",
        request=None,
        responses={200: RolledBackSerializer, 202: RolledBackSerializer, **_READ},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take a retired version back: 200 when it is live, 202 while it applies what it has missed."""
        version = index_version_at(pk)
        try:
            missed = tasks.roll_back(version, by=_person(request))
        except lifecycle.CannotRollBack as error:
            raise Conflict(str(error)) from error
        answer = {"missed": MissedSerializer(missed).data, "index_version": index_version_answer(pk)}
        return Response(answer, status=200 if version.state == IndexVersion.State.ACTIVE else 202)


class MissedView(VersionAction):
    """What taking a version back would have to apply."""

    @extend_schema(operation_id="index_versions_missed", responses={200: MissedSerializer, **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """Count what a version does not know of the corpus as it is now."""
        version = index_version_at(pk)
        if version.pruned_at is not None:
            raise Conflict(_("%s was pruned: it holds nothing any more.") % version)
        return Response(MissedSerializer(lifecycle.missed(version)).data)


class CancelView(Once, VersionAction):
    """Stopping a build."""

    @extend_schema(operation_id="index_versions_cancel", request=None, responses={200: IndexVersionSerializer, **_READ})
    def post(self, request: Request, pk: int) -> Response:
        """Stop building a version. One that was live before is retired again."""
        try:
            lifecycle.cancel(index_version_at(pk), by=_person(request))
        except lifecycle.CannotCancel as error:
            raise Conflict(str(error)) from error
        return Response(index_version_answer(pk))


class PruneView(Once, VersionAction):
    """Giving a version up for good."""

    action_permission = "search.delete_indexversion"

    @extend_schema(operation_id="index_versions_prune", request=None, responses={200: IndexVersionSerializer, **_READ})
    def post(self, request: Request, pk: int) -> Response:
        """Delete what a retired or failed version holds; its row and its measures stay."""
        try:
            retention.prune(index_version_at(pk), by=_person(request))
        except retention.CannotPrune as error:
            raise Conflict(str(error)) from error
        return Response(index_version_answer(pk))


class RebuildView(Once, GenericAPIView[Collection]):
    """Asking for a new version."""

    permission_classes = [MayRebuild]
    token_policy = TokenPolicy({"POST": Scope.INDEX_MANAGE}, by_slug)
    serializer_class = RebuildSerializer
    queryset = Collection.objects.all()

    @extend_schema(
        operation_id="index_versions_create",
        request=RebuildSerializer,
        responses={202: RebuildRequestedSerializer, **problems(400, 401, 403, 404, 411, 413, 415)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Ask the worker to build a new version beside the live one, with the collection's present options."""
        collection = collection_at(slug)
        goes_live = given(RebuildSerializer, request)["activate_when_ready"]
        tasks.request_rebuild(collection, user=_person(request), activate_when_ready=goes_live)
        collection.refresh_from_db()
        return Response(RebuildRequestedSerializer(collection).data, status=202)


def given(serializer_class: Any, request: Request) -> dict[str, Any]:
    """Return what was sent, checked; a request without a body asks for the defaults."""
    serializer = serializer_class(data=sent(request) if request.stream is not None else {})
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _person(request: Request) -> AbstractBaseUser:
    """Return who asks; nobody has these permissions without an account."""
    return cast(AbstractBaseUser, request.user)
