"""Curation rules and synonym groups over HTTP: listed, made, changed, deleted, and tried before they are saved."""

from typing import Any, ClassVar

from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.evaluation import trials
from search.evaluation.trials import Trial
from search.models import CurationRule, Document, SynonymSet
from search.query_service import InvalidQuery, NotReady

from .curation_serializers import (
    CurationRuleSerializer,
    SynonymGroupSerializer,
    TrialSerializer,
    TrySerializer,
)
from .document_answers import collection_named
from .evaluation_serializers import OfCollection
from .exceptions import Unavailable
from .once import Once
from .parameters import parameters
from .parsers import sent
from .permissions import MayCurate, MayTry
from .schema import problems
from .token_policies import MANAGING, TokenPolicy, by_row, in_view, narrowed

_READ = problems(400, 401, 403, 404)
_WRITE = problems(400, 401, 403, 404, 411, 413, 415)
_TRY = problems(400, 401, 403, 404, 411, 413, 415, 503)


class _Entries(GenericAPIView[Any]):
    """Addresses of one kind of entry; the subclasses say of which."""

    permission_classes = [MayCurate]
    permission_model: ClassVar[type[Model]]
    unknown: ClassVar[Any]  # the message for an id that is not there, with a place for it

    def entry(self, pk: int) -> Any:
        """Return the entry of an address. Raises NotFound."""
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise NotFound(str(self.unknown) % pk)
        return found

    def answered(self, pk: int, status: int = 200) -> Response:
        """Return a stored entry as the answer."""
        return Response(self.get_serializer(self.entry(pk)).data, status=status)

    def values_of(self, instance: Any, values: Any) -> serializers.ModelSerializer[Any]:
        """Return the serializer of checked values, those of a new entry or changes to one. Raises ValidationError."""
        serializer: Any = self.get_serializer(instance, data=values, partial=instance is not None)
        serializer.is_valid(raise_exception=True)
        checked: serializers.ModelSerializer[Any] = serializer
        return checked


class _Rules(_Entries):
    permission_model = CurationRule
    token_policy = TokenPolicy(MANAGING, by_row(CurationRule))
    serializer_class = CurationRuleSerializer
    unknown = _("There is no curation rule %d.")

    def get_queryset(self) -> QuerySet[CurationRule]:
        documents = Document.objects.filter(collection=OuterRef("collection"), external_id=OuterRef("external_id"))
        rules = CurationRule.objects.select_related("collection", "created_by")
        return rules.annotate(id_of_document=Subquery(documents.order_by().values("pk")[:1]))


class _Groups(_Entries):
    permission_model = SynonymSet
    token_policy = TokenPolicy(MANAGING, by_row(SynonymSet))
    serializer_class = SynonymGroupSerializer
    queryset = SynonymSet.objects.select_related("collection")
    unknown = _("There is no synonym group %d.")


class _ListView(Once, _Entries):
    token_policy = TokenPolicy(MANAGING, in_view, not_limited=frozenset({"POST"}))

    def get(self, request: Request) -> Response:
        """List them by ascending id."""
        wanted = parameters(request, OfCollection(), paged=True)
        found = narrowed(request, self.get_queryset())
        if "collection" in wanted:
            found = found.filter(collection=collection_named(wanted["collection"]))
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        """Make one; it holds from the next query on."""
        serializer = self.values_of(None, sent(request))
        by = {"created_by": request.user} if self.permission_model is CurationRule else {}
        return self.answered(serializer.save(**by).pk, 201)


class _DetailView(_Entries):
    def get(self, request: Request, pk: int) -> Response:
        """Read it."""
        return self.answered(pk)

    def patch(self, request: Request, pk: int) -> Response:
        """Change some of its fields."""
        self.values_of(self.entry(pk), sent(request)).save()
        return self.answered(pk)

    def delete(self, request: Request, pk: int) -> Response:
        """Delete it."""
        self.entry(pk).delete()
        return Response(status=204)


class _TryView(_Entries):
    """Trying shows what a search shows to who asks, and saves nothing."""

    permission_classes = [MayTry]
    pagination_class = None

    def trial(self, entry: Any, query: str, request: Request, instead_of: int | None) -> Trial:
        raise NotImplementedError

    def post(self, request: Request, pk: int | None = None) -> Response:
        """Show the first results of a query without the entry and with it; saves and logs nothing."""
        saved = None if pk is None else self.entry(pk)
        values = TrySerializer().run_validation(sent(request))
        try:
            checked: Any = self.values_of(saved, values["entry"])
        except ValidationError as error:
            raise ValidationError({"entry": error.detail}) from error
        try:
            found = self.trial(checked.proposed(checked.validated_data), values["q"].strip(), request, pk)
        except InvalidQuery as error:
            raise ValidationError({"q": [str(error)]}) from error
        except NotReady as error:
            raise Unavailable(str(error)) from error
        return Response(TrialSerializer(found, context={"is_rule": self.permission_model is CurationRule}).data)


def _described(kind: str, serializer: type[serializers.Serializer[Any]]) -> tuple[Any, Any]:
    """Return what the schema says of the list and of one of a kind."""
    many = extend_schema_view(
        get=extend_schema(
            operation_id=f"{kind}_list", parameters=[OfCollection], responses={200: serializer(many=True), **_READ}
        ),
        post=extend_schema(operation_id=f"{kind}_create", responses={201: serializer, **_WRITE}),
    )
    one = extend_schema_view(
        get=extend_schema(operation_id=f"{kind}_retrieve", responses={200: serializer, **_READ}),
        patch=extend_schema(operation_id=f"{kind}_update", responses={200: serializer, **_WRITE}),
        delete=extend_schema(operation_id=f"{kind}_delete", responses={204: None, **problems(401, 403, 404)}),
    )
    return many, one


_rules_schema, _rule_schema = _described("curation_rules", CurationRuleSerializer)
_groups_schema, _group_schema = _described("synonym_groups", SynonymGroupSerializer)
_try_schema: dict[str, Any] = {"request": TrySerializer, "responses": {200: TrialSerializer, **_TRY}}


@_rules_schema
class CurationRulesView(_ListView, _Rules):
    """The curation rules of all collections."""


@_rule_schema
class CurationRuleView(_DetailView, _Rules):
    """One curation rule."""


@_groups_schema
class SynonymGroupsView(_ListView, _Groups):
    """The synonym groups of all collections."""


@_group_schema
class SynonymGroupView(_DetailView, _Groups):
    """One synonym group."""


class _TryRule(_TryView, _Rules):
    def trial(self, entry: CurationRule, query: str, request: Request, instead_of: int | None) -> Trial:
        return trials.of_rule(entry, query, user=request.user, instead_of=instead_of)


class _TryGroup(_TryView, _Groups):
    def trial(self, entry: SynonymSet, query: str, request: Request, instead_of: int | None) -> Trial:
        return trials.of_synonyms(entry, query, user=request.user, instead_of=instead_of)


@extend_schema_view(post=extend_schema(operation_id="curation_rules_try_new", **_try_schema))
class TryNewRuleView(_TryRule):
    """A rule that is not saved, tried."""

    token_policy = TokenPolicy(MANAGING)


@extend_schema_view(post=extend_schema(operation_id="curation_rules_try", **_try_schema))
class TryRuleView(_TryRule):
    """A saved rule, tried as it is or as it would be."""


@extend_schema_view(post=extend_schema(operation_id="synonym_groups_try_new", **_try_schema))
class TryNewGroupView(_TryGroup):
    """A group that is not saved, tried."""

    token_policy = TokenPolicy(MANAGING)


@extend_schema_view(post=extend_schema(operation_id="synonym_groups_try", **_try_schema))
class TryGroupView(_TryGroup):
    """A saved group, tried as it is or as it would be."""
