"""One change to many documents, over HTTP: tried, made, watched, stopped. As the actions of the admin's list."""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import tasks
from search.access.scopes import Scope
from search.ingestion import bulk_changes, selections
from search.ingestion.bulk_changes import Action, BadChange, Outlook, Wanted
from search.models import BulkChange, Document
from search.models.corpus import DocumentQuerySet

from .document_answers import collection_at, collection_named
from .exceptions import Conflict
from .fields import Choice, KnownFieldsOnly, RowId, StorableText
from .once import Once
from .parameters import parameters
from .parsers import sent
from .schema import problems
from .token_policies import TokenPolicy, by_row, by_slug, in_view, narrowed

_MOST_NAMED = 10_000
_READ = problems(400, 401, 403, 404)


class MayChangeDocuments(BasePermission):
    """Those who may change or delete documents; the action decides which of them it takes."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return any(bulk_changes.may_change(request.user, action) for action in (Action.ARCHIVE, Action.DELETE))


class BulkChangeSerializer(serializers.ModelSerializer[BulkChange]):
    """A change of many documents, and how far it is."""

    collection = serializers.CharField(source="collection.slug", allow_null=True, help_text="Null: of several.")
    looked_at = serializers.IntegerField(source="next", help_text="How many of `total` it has come past.")
    groups = serializers.SerializerMethodField(help_text="Names of the groups that are to find them.")

    class Meta:
        model = BulkChange
        fields = [
            "id", "collection", "action", "visibility", "groups", "status", "total", "looked_at", "changed", "error",
            "created_at", "finished_at",
        ]  # fmt: skip

    def get_groups(self, change: BulkChange) -> list[str]:
        return list(Group.objects.filter(pk__in=change.groups).order_by("name").values_list("name", flat=True))


class SelectionSerializer(KnownFieldsOnly[Any]):
    """Which documents: those that fulfil every condition."""

    all = serializers.BooleanField(required=False, help_text="`true`: every document, where nothing else is said.")
    ids = serializers.ListField(required=False, child=RowId(), max_length=_MOST_NAMED)
    external_ids = serializers.ListField(
        required=False, child=StorableText(max_length=500, trim_whitespace=False), max_length=_MOST_NAMED
    )
    state = Choice(required=False, choices=Document.State.choices)
    visibility = Choice(required=False, choices=Document.Visibility.choices)
    language = StorableText(required=False, max_length=35, allow_blank=True)
    text = StorableText(required=False, max_length=500, help_text="A piece of the title or of the external id.")
    updated_since = serializers.DateTimeField(required=False)
    updated_before = serializers.DateTimeField(required=False)


class WantedSerializer(KnownFieldsOnly[Any]):
    """What is to become of which documents."""

    action = Choice(choices=Action.choices)
    visibility = Choice(
        required=False, choices=Document.Visibility.choices, help_text="With `audience`: who is to find them."
    )
    groups = serializers.ListField(
        required=False, child=StorableText(max_length=150), max_length=1_000, help_text="With `audience`: by name."
    )
    documents = SelectionSerializer()
    expected = serializers.IntegerField(
        required=False, min_value=1, max_value=bulk_changes.MOST_DOCUMENTS,
        help_text="How many there are to be, as the dry run has told; 409 where it is another number by now.",
    )  # fmt: skip
    dry_run = serializers.BooleanField(required=False, default=False, help_text="`true`: only tell what it would do.")


class OutlookSerializer(serializers.Serializer[Outlook]):
    """What a change would do."""

    total = serializers.IntegerField(help_text="How many documents it is for.")
    affected = serializers.IntegerField(help_text="How many of them are not like that yet.")


class BulkChangeFilters(serializers.Serializer[Any]):
    """What the list can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    status = Choice(required=False, choices=BulkChange.Status.choices)


class ChangeDocumentsView(Once, GenericAPIView[BulkChange]):
    """Changing many documents of a collection."""

    permission_classes = [MayChangeDocuments]
    token_policy = TokenPolicy({"POST": Scope.DOCUMENTS_WRITE}, by_slug)
    serializer_class = WantedSerializer
    queryset = BulkChange.objects.none()

    @extend_schema(
        operation_id="bulk_changes_create",
        request=WantedSerializer,
        responses={
            200: OutlookSerializer,
            201: BulkChangeSerializer,
            **problems(400, 401, 403, 404, 409, 411, 413, 415),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Change many documents: some at once, the rest by the worker. 200 for a dry run, 201 otherwise."""
        values = WantedSerializer().run_validation(sent(request))
        collection = collection_at(slug)
        if not bulk_changes.may_change(request.user, values["action"]):
            raise PermissionDenied(_("You may not do this to documents: %s.") % values["action"])
        wanted = _wanted(values)
        documents = _selected(collection.documents.all(), values["documents"])
        try:
            if values["dry_run"]:
                return Response(OutlookSerializer(bulk_changes.outlook(documents, wanted)).data)
            bulk_changes.check(wanted)
        except BadChange as error:
            raise ValidationError({"visibility": [str(error)]}) from error
        try:
            person = cast(AbstractBaseUser, request.user)  # nobody may change documents without an account
            change = tasks.start_bulk_change(documents, wanted, by=person, expected=values.get("expected"))
        except BadChange as error:
            raise Conflict(str(error)) from error
        return Response(
            BulkChangeSerializer(change).data, status=201, headers={"Location": f"/api/v1/bulk-changes/{change.pk}/"}
        )


class BulkChangesView(GenericAPIView[BulkChange]):
    """All bulk changes."""

    permission_classes = [MayChangeDocuments]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, in_view)
    serializer_class = BulkChangeSerializer
    queryset = BulkChange.objects.select_related("collection").defer("documents")

    @extend_schema(
        operation_id="bulk_changes_list",
        parameters=[BulkChangeFilters],
        responses={200: BulkChangeSerializer(many=True), **_READ},
    )
    def get(self, request: Request) -> Response:
        """List bulk changes, by ascending id."""
        wanted = parameters(request, BulkChangeFilters(), paged=True)
        changes = narrowed(request, self.get_queryset())
        if "collection" in wanted:
            changes = changes.filter(collection=collection_named(wanted["collection"]))
        if "status" in wanted:
            changes = changes.filter(status=wanted["status"])
        page = self.paginate_queryset(changes) or []
        return self.get_paginated_response(BulkChangeSerializer(page, many=True).data)


class BulkChangeView(GenericAPIView[BulkChange]):
    """One bulk change."""

    permission_classes = [MayChangeDocuments]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, by_row(BulkChange))
    serializer_class = BulkChangeSerializer
    queryset = BulkChange.objects.none()

    @extend_schema(
        operation_id="bulk_changes_retrieve", responses={200: BulkChangeSerializer, **problems(401, 403, 404)}
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read how far a change is."""
        return Response(BulkChangeSerializer(_change_at(pk)).data)


class CancelBulkChangeView(Once, GenericAPIView[BulkChange]):
    """Stopping a bulk change."""

    permission_classes = [MayChangeDocuments]
    token_policy = TokenPolicy({"POST": Scope.DOCUMENTS_WRITE}, by_row(BulkChange))
    serializer_class = BulkChangeSerializer
    queryset = BulkChange.objects.none()

    @extend_schema(
        operation_id="bulk_changes_cancel",
        request=None,
        responses={200: BulkChangeSerializer, **problems(401, 403, 404)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Stop a change after the documents that it is at; one that is over stays as it is. What is changed, too."""
        change = _change_at(pk)
        if not bulk_changes.may_change(request.user, change.action):
            raise PermissionDenied(_("You may not do this to documents: %s.") % change.action)
        bulk_changes.cancel(change)
        return Response(BulkChangeSerializer(_change_at(pk)).data)


def _change_at(pk: int) -> BulkChange:
    change = BulkChange.objects.select_related("collection").defer("documents").filter(pk=pk).first()
    if change is None:
        raise NotFound(_("There is no bulk change %d.") % pk)
    return change


def _selected(documents: Any, conditions: dict[str, Any]) -> DocumentQuerySet:
    try:
        return selections.selected(documents, conditions)
    except selections.BadSelection as error:
        raise ValidationError({"documents": [str(error)]}) from error


def _wanted(values: dict[str, Any]) -> Wanted:
    action = Action(values["action"])
    if action != Action.AUDIENCE:
        for name in ("visibility", "groups"):
            if name in values:
                raise ValidationError({name: [_("This belongs to the action audience.")]})
        return Wanted(action)
    names = values.get("groups", [])
    groups = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
    if missing := [name for name in names if name not in groups]:
        raise ValidationError({"groups": [_("There is no group “%s”.") % missing[0]]})
    return Wanted(action, values.get("visibility", ""), tuple(sorted(groups.values())))
