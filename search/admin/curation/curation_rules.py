"""Curation rules in the admin: written, tried out on a query before they are saved, switched on and off."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from search.admin.curation.rule_form import CurationRuleForm
from search.admin.curation.trying import Tried, Trying
from search.admin.imports.import_pages import person
from search.admin.labels import choice_label, moment, short
from search.evaluation import trials
from search.models import Collection, CurationRule, Document
from search.models.fields import StorableTextField
from search.retrieval.curation.rule_matching import Meeting

_QUERY_CHARS = 60


@admin.register(CurationRule)
class CurationRuleAdmin(Trying):
    """The list of rules, the form, and the panel below it that shows what a rule does to a query."""

    form = CurationRuleForm
    list_display = ("shown_action", "shown_queries", "shown_document", "match", "shown_collection", "shown_time", "on")
    list_display_links = ("shown_action", "shown_queries")
    list_filter = (
        ("collection", RelatedDropdownFilter),
        ("action", ChoicesDropdownFilter),
        ("match", ChoicesDropdownFilter),
        "enabled",
    )
    list_filter_submit = True
    list_select_related = ("collection",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("queries", "note")
    search_help_text = _lazy("Query or note")
    actions = ("switch_on", "switch_off")
    fieldsets = (
        (_lazy("When somebody asks"), {"fields": ("collection", "match", "queries", "similarity")}),
        (_lazy("Do this"), {"fields": ("action", "document", "position", "strength")}),
        (_lazy("While it is valid"), {"fields": ("enabled", "valid_from", "valid_to", "note")}),
    )
    conditional_fields = {
        "similarity": "match == 'meaning'",
        "position": "action == 'pin'",
        "strength": "action == 'boost' || action == 'bury'",
    }
    formfield_overrides = {StorableTextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[CurationRule]:
        rules: QuerySet[CurationRule] = super().get_queryset(request)
        return rules.annotate(document_title=Subquery(_documents().values("title")[:1]))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the collection where there is only one to choose."""
        collections = list(Collection.objects.values_list("pk", flat=True)[:2])
        only = {"collection": collections[0]} if len(collections) == 1 else {}
        return {**only, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: CurationRule, form: Any, change: bool) -> None:
        """Save, with who made it."""
        if not change:
            obj.created_by = person(request)
        super().save_model(request, obj, form, change)

    def try_out(self, request: HttpRequest, entry: CurationRule, query: str) -> Tried:
        """Return what the rule would do to a query."""
        trial = trials.of_rule(entry, query, user=person(request), instead_of=entry.pk)
        return self.tried(trial, said=_said(entry, trial.met))

    @admin.display(description=_lazy("what happens"), ordering="action")
    def shown_action(self, rule: CurationRule) -> SafeString:
        return choice_label(CurationRule.Action(rule.action))

    @admin.display(description=_lazy("queries"))
    def shown_queries(self, rule: CurationRule) -> SafeString:
        return short(" · ".join(rule.query_lines), _QUERY_CHARS)

    @admin.display(description=_lazy("document"))
    def shown_document(self, rule: CurationRule) -> SafeString:
        title = getattr(rule, "document_title")  # noqa: B009
        return short(
            _("%s (not there)") % rule.external_id if title is None else title or rule.external_id, _QUERY_CHARS
        )

    @admin.display(description=_lazy("collection"), ordering="collection__slug")
    def shown_collection(self, rule: CurationRule) -> SafeString:
        return short(rule.collection.slug, 24)

    @admin.display(description=_lazy("valid to"), ordering="valid_to")
    def shown_time(self, rule: CurationRule) -> SafeString:
        return moment(rule.valid_to)

    @admin.display(description=_lazy("on"), ordering="enabled", boolean=True)
    def on(self, rule: CurationRule) -> bool:
        return rule.enabled

    @admin.action(description=_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, rules: QuerySet[CurationRule]) -> None:
        self._switch(request, rules, enabled=True)

    @admin.action(description=_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, rules: QuerySet[CurationRule]) -> None:
        self._switch(request, rules, enabled=False)

    def _switch(self, request: HttpRequest, rules: QuerySet[CurationRule], *, enabled: bool) -> None:
        count = rules.update(enabled=enabled)
        text = ngettext("%d rule is switched.", "%d rules are switched.", count) % count
        self.message_user(request, text + " " + _("It holds from the next query on."), messages.SUCCESS)


def _documents() -> QuerySet[Document]:
    """Return the document of each rule, for a subquery."""
    return Document.objects.filter(collection=OuterRef("collection"), external_id=OuterRef("external_id")).order_by()


def _said(entry: CurationRule, met: Meeting | None) -> str:
    """Return in words whether and why the rule applies to the query."""
    if entry.document_now is None:
        return _("The document “%s” is not there, so the rule does nothing until it is.") % entry.external_id
    if met is None:
        return _("The rule does not apply to this query.")
    if met.similarity is None:
        return _("The rule applies: this is “%s”.") % met.matched
    return _near(met)


def _near(met: Meeting) -> str:
    return _("The rule applies: the query is near to “%(example)s” (cosine %(cosine).2f).") % {
        "example": met.matched,
        "cosine": met.similarity,
    }
