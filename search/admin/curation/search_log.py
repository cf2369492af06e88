"""The log of searches in the admin: looked at, deleted, asked again; its reports are in query_reports.py."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action

from search import query_service
from search.admin import addresses
from search.admin.curation import ranking_changes
from search.admin.curation.query_reports import QueryReports
from search.admin.curation.ranking_changes import RankingChange
from search.admin.curation.why import WhyPage
from search.admin.labels import choice_label, moment, short
from search.analytics import judging
from search.models import Document, SearchLog, SearchReaction

_TEXT_CHARS = 80
_SHOWN = 20


@admin.register(SearchLog)
class SearchLogAdmin(WhyPage, QueryReports):
    """The list of searches, each with what it showed and what was opened; nobody edits what was asked."""

    list_display = ("shown_text", "collection", "found", "opened", "took", "shown_source", "asked_at")
    list_display_links = ("shown_text",)
    list_filter = (
        ("collection", RelatedDropdownFilter),
        ("source", ChoicesDropdownFilter),
        "good_match",
        ("at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_select_related = ("collection",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("text",)
    search_help_text = _("Query")
    actions_list = ("reports",)
    actions_detail = ("again",)
    fields = ("text", "collection", "found", "mode", "index_version", "shown_source", "took", "asked_at", "followed_by")
    readonly_fields = ("found", "shown_source", "took", "asked_at")
    change_form_before_template = "admin/search/search_log_results.html"

    class Media:
        css = {"all": ["search/admin/curation.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SearchLog | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SearchLog]:
        searches: QuerySet[SearchLog] = super().get_queryset(request)
        clicks = Count("reactions", filter=Q(reactions__kind=SearchReaction.Kind.CLICK))
        return searches.annotate(clicks=clicks)

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.again_view)
        return [path("<int:pk>/again/", again, name="search_searchlog_again"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        logged = self.get_object(request, object_id)
        context = {"results": _results(logged, request) if logged is not None else []}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})
        return page

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a search showed then beside what it shows now."""
        self.check_may_view(request)
        logged = get_object_or_404(SearchLog.objects.select_related("collection"), pk=pk)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": logged,
            "logged": logged,
            "title": _("Then and now"),
            "search_url": addresses.search_page(logged.collection, logged.text),
        }
        if request.user.has_perm("search.add_curationrule"):
            for name in ("pin", "hide"):
                context[f"{name}_url"] = addresses.added(
                    "curationrule", collection=logged.collection_id, queries=logged.text, action=name
                )
        context["said"] = _said(logged, request)
        try:
            context["change"] = _asked_again(logged, request)
        except (query_service.InvalidQuery, query_service.NotReady) as error:
            context["wrong"] = str(error)
        return TemplateResponse(request, "admin/search/asked_again.html", context)

    @action(description=_("Then and now"), url_path="ask-again", icon="replay", permissions=["again"])
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.again_view(request, int(object_id))

    def has_again_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(self.has_view_permission(request))

    @admin.display(description=_("query"), ordering="text")
    def shown_text(self, logged: SearchLog) -> SafeString:
        return short(logged.text, _TEXT_CHARS)

    @admin.display(description=_("found"), ordering="total")
    def found(self, logged: SearchLog) -> str:
        return str(logged.total) if logged.good_match or not logged.total else str(_("no good match"))

    @admin.display(description=_("opened"), ordering="clicks")
    def opened(self, logged: Any) -> str:
        return str(logged.clicks or "–")

    @admin.display(description=_("time"), ordering="took_ms")
    def took(self, logged: SearchLog) -> str:
        return f"{logged.took_ms:.0f} ms"

    @admin.display(description=_("asked by"), ordering="source")
    def shown_source(self, logged: SearchLog) -> SafeString:
        return choice_label(SearchLog.Source(logged.source))

    @admin.display(description=_("asked"), ordering="at")
    def asked_at(self, logged: SearchLog) -> SafeString:
        return moment(logged.at)


def _results(logged: SearchLog, request: HttpRequest) -> list[dict[str, Any]]:
    """Return what a search showed, as far as the reader may see it, with what was done with it."""
    reactions: dict[int, list[str]] = {}
    for reaction in logged.reactions.all():
        reactions.setdefault(reaction.document_id, []).append(reaction.get_kind_display())
    shown = {pk: rank for rank, (pk, _score) in enumerate(logged.shown, 1)}
    wanted = [*shown, *(pk for pk in reactions if pk not in shown)]
    documents = Document.objects.visible_to(request.user).defer("body", "metadata").in_bulk(wanted)
    return [
        {
            "rank": shown.get(pk),
            "document": documents[pk],
            "url": addresses.document(documents[pk]),
            "reactions": reactions.get(pk, []),
        }
        for pk in wanted
        if pk in documents
    ]


def _asked_again(logged: SearchLog, request: HttpRequest) -> RankingChange:
    before = [pk for pk, _score in logged.shown]
    answer = query_service.search(
        logged.text, user=request.user, collection=logged.collection.slug, k=_SHOWN, mode=logged.mode, log=False
    )
    after = [result.document_id for result in answer.results]
    rows = Document.objects.visible_to(request.user).filter(pk__in={*before, *after})
    titles = {pk: title or name for pk, title, name in rows.values_list("pk", "title", "external_id")}
    return ranking_changes.between_ids(before, after, titles)


def _said(logged: SearchLog, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the documents that people reacted to when they asked this, the most opened first."""
    kinds = SearchReaction.Kind
    counts = judging.reactions_to(logged.collection, logged.text)
    documents = Document.objects.visible_to(request.user).defer("body", "metadata").in_bulk(counts)
    rows = [
        {
            "document": document,
            "url": addresses.document(document),
            "opened": counts[pk][kinds.CLICK],
            "up": counts[pk][kinds.UP],
            "down": counts[pk][kinds.DOWN],
        }
        for pk, document in documents.items()
    ]
    return sorted(rows, key=lambda row: (-row["up"], -row["opened"]))
