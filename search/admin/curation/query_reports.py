"""The reports on logged queries: what people did not find, by meaning, each with what can be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action

from search.admin import addresses
from search.admin.imports.import_pages import person
from search.analytics import judging
from search.analytics.reports import QueryGroup, Report, report, totals
from search.conf import conf
from search.models import Collection, SearchLog

NAMES = {
    Report.NOTHING: (_("Nothing found"), _("Nothing was found, or no good match.")),
    Report.FEW_CLICKS: (_("Rarely opened"), _("Asked three times or more; results were opened in fewer than a fifth.")),
    Report.ABANDONED: (_("Given up"), _("There were results; none was opened, and nothing else was asked.")),
    Report.REWORDED: (_("Reworded"), _("There were results; none was opened, and other words were tried.")),
    Report.DISLIKED: (_("Not helpful"), _("Somebody said of a result that it does not help.")),
    Report.ALL: (_("All"), _("Everything that was asked.")),
}
PERIODS = {1: _("a day"), 7: _("7 days"), 30: _("30 days"), 90: _("90 days"), 366: _("a year")}
_DEFAULT_DAYS = 30
_SHOWN_GROUPS = 50
_SHOWN_OTHERS = 20
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A group of queries with the addresses of what can be done about it; an empty one is not allowed."""

    group: QueryGroup
    search_url: str
    again_url: str
    pin_url: str
    synonym_url: str
    draft_url: str


class QueryReports(ModelAdmin):
    """Mixed into the admin of the search log: the page of reports, and the button that has queries judged."""

    def get_urls(self) -> list[URLPattern]:
        def view(method: Any) -> Any:
            return self.admin_site.admin_view(method)

        return [
            path("reports/", view(self.reports_view), name="search_searchlog_reported"),
            path("judge/", view(self.judge_view), name="search_searchlog_judge"),
            *super().get_urls(),
        ]

    def check_may_view(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for those who may not read the log."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    @action(description=_("Reports"), url_path="to-reports", icon="query_stats")
    def reports(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:search_searchlog_reported")

    def reports_view(self, request: HttpRequest) -> HttpResponse:
        """Show one report on one collection."""
        self.check_may_view(request)
        collections = list(Collection.objects.order_by("name"))
        collection = next((each for each in collections if each.slug == request.GET.get("collection")), None)
        collection = collection or _most_searched(collections)
        kind, days = _kind(request.GET), _days(request.GET)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What people searched for"),
            "log_is_on": conf().LOG_SEARCHES,
            "collections": collections,
            "collection": collection,
            "kind": kind,
            "says": NAMES[kind][1],
            "days": days,
            "periods": PERIODS.items(),
            "kinds": [(each.value, NAMES[each][0]) for each in Report],
            "others_shown": f":{_SHOWN_OTHERS}",
        }
        if collection is not None:
            since = timezone.now() - timedelta(days=days)
            groups = report(collection, kind, since=since)
            context |= {
                "totals": totals(collection, since=since),
                "rows": [_row(request, collection, group) for group in groups[:_SHOWN_GROUPS]],
                "more": len(groups[_SHOWN_GROUPS:]),
                "may_judge": _may_judge(request),
            }
        return TemplateResponse(request, "admin/search/query_reports.html", context)

    def judge_view(self, request: HttpRequest) -> HttpResponse:
        """Put the queries that were sent into the set of logged queries, and go there to judge them."""
        self.check_may_view(request)
        if not _may_judge(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        collection = get_object_or_404(Collection, slug=request.POST.get("collection", ""))
        asked = list(dict.fromkeys(request.POST.getlist("query")[:_MOST_LINES]))
        logged = SearchLog.objects.filter(collection=collection, text__in=asked).values_list("text", flat=True)
        known = set(logged)
        queries = judging.to_be_judged(collection, [text for text in asked if text in known], by=person(request))
        text = ngettext("%d query waits to be judged.", "%d queries wait to be judged.", len(queries)) % len(queries)
        self.message_user(request, text, messages.SUCCESS if queries else messages.WARNING)
        return redirect(addresses.judging(queries[0]) if queries else addresses.query_reports(collection))


def _row(request: HttpRequest, collection: Collection, group: QueryGroup) -> Row:
    lines = "\n".join(query.text for query in group.queries[:_MOST_LINES])
    place = {"collection": collection.pk}

    def add(model: str, **values: str) -> str:
        may = request.user.has_perm(f"search.add_{model}")
        return addresses.added(model, **place, **values) if may else ""

    return Row(
        group=group,
        search_url=addresses.search_page(collection, group.text),
        again_url=reverse("admin:search_searchlog_again", args=[group.queries[0].log_id]),
        pin_url=add("curationrule", queries=lines, action="pin"),
        synonym_url=add("synonymset", words=group.text),
        draft_url=add("document", title=group.text[:200], state="draft"),
    )


def _most_searched(collections: list[Collection]) -> Collection | None:
    """Return the collection of the newest search, or the first one."""
    newest = SearchLog.objects.order_by("-id").values_list("collection_id", flat=True).first()
    return next((each for each in collections if each.pk == newest), collections[0] if collections else None)


def _kind(query: Mapping[str, str]) -> Report:
    wanted = query.get("report", "")
    return Report(wanted) if wanted in list(Report) else Report.NOTHING


def _days(query: Mapping[str, str]) -> int:
    wanted = query.get("days", "")
    days = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 5 else 0
    return days if days in PERIODS else _DEFAULT_DAYS


def _may_judge(request: HttpRequest) -> bool:
    return bool(request.user.has_perms(["search.add_evaluationquery", "search.add_judgment"]))
