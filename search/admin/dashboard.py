"""The admin's first page: what is wrong and where to mend it, how the day went, each collection. Reads only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from search.admin import addresses, figures
from search.admin.imports.import_pages import may_import
from search.admin.status_charts import charts
from search.admin.versions.running_builds import running_builds
from search.analytics.reports import not_found
from search.indexing.progress import CollectionProgress
from search.models import Collection, IndexVersion
from search.status import alarms, samples
from search.status.overview import CollectionStatus, Overview, overview

MOST_NOT_FOUND = 6


@dataclass(frozen=True, slots=True)
class Card:
    """One collection on the first page, with its live version."""

    collection: Collection
    progress: CollectionProgress
    states: dict[str, int]
    version: IndexVersion | None
    version_url: str
    url: str
    documents_url: str
    failed_url: str
    search_url: str
    import_url: str
    steps_url: str


@dataclass(frozen=True, slots=True)
class ShownAlarm:
    """Something that needs somebody: what, why, and the link to where it is mended, for who may open it."""

    title: str
    reasons: tuple[str, ...]
    url: str
    cure: str
    critical: bool


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the user may see to the first page's context."""
    context = {**context, "title": _("Overview")}
    if not request.user.has_perm("search.view_collection"):
        return {**context, "cards": [], "may_see_collections": False}
    now = timezone.now()
    found = overview(now)
    may_see_versions = request.user.has_perm("search.view_indexversion")
    collections = [one.collection for one in found.collections if request.user.has_perm("search.view_searchlog")]
    return {
        **context,
        "cards": [
            _card(one, may_see_versions=may_see_versions, may_import=may_import(request)) for one in found.collections
        ],
        "alarms": [_alarm(request, alarm) for alarm in found.alarms] if may_see_versions else [],
        "day": _day(request, found) if may_see_versions else [],
        "charts": charts(samples.columns(now)) if may_see_versions else [],
        "in_vain": [
            (one, addresses.query_reports(one.collection))
            for one in not_found(collections, since=now - timedelta(hours=24), most=MOST_NOT_FOUND)
        ],
        "running": running_builds() if may_see_versions else [],
        "may_see_versions": may_see_versions,
        "may_see_collections": True,
        "may_add_collection": request.user.has_perm("search.add_collection"),
    }


def _card(one: CollectionStatus, *, may_see_versions: bool, may_import: bool) -> Card:
    version = one.version if may_see_versions else None
    return Card(
        collection=one.collection,
        progress=one.progress,
        states=one.states,
        version=version,
        version_url=addresses.index_version(version) if version else "",
        url=addresses.collection(one.collection),
        documents_url=addresses.documents(one.collection),
        failed_url=addresses.documents(one.collection, indexing="failed"),
        search_url=addresses.search_page(one.collection),
        import_url=addresses.new_import(one.collection) if may_import else "",
        steps_url="" if any(one.states.values()) else addresses.first_steps(one.collection),
    )


def _alarm(request: HttpRequest, alarm: alarms.Alarm) -> ShownAlarm:
    permission, address = _CURES[alarm.cure]
    may = request.user.has_perm(f"search.view_{permission}")
    critical = alarm.severity is alarms.Severity.CRITICAL
    return ShownAlarm(alarm.title, alarm.reasons, address(alarm.about) if may else "", alarm.what_to_do, critical)


_CURES: dict[alarms.Cure, tuple[str, Callable[[Any], str]]] = {
    alarms.Cure.WORKER: ("pendingchange", lambda about: addresses.pending_changes()),
    alarms.Cure.DISK: ("indexversion", lambda about: addresses.retired_versions()),
    alarms.Cure.VERSION: ("indexversion", addresses.index_version),
    alarms.Cure.FAILED_DOCUMENTS: ("document", lambda about: addresses.documents(about, indexing="failed")),
    alarms.Cure.QUEUE: ("pendingchange", addresses.pending_changes),
    alarms.Cure.COLLECTION: ("collection", addresses.collection),
    alarms.Cure.IMPORT: ("importjob", addresses.import_job),
}
"""Which permission opens the place of a cure, and where it is."""


def _day(request: HttpRequest, found: Overview) -> list[tuple[str, str, str]]:
    """Return the figures of the last day: name, value, and where there is more to see."""
    searches = found.searches
    share = f"{100 * searches.zero_results / searches.searches:.0f} %" if searches.searches else figures.NOTHING
    may_see_log = request.user.has_perm("search.view_searchlog") and found.collections
    reports = addresses.query_reports(found.collections[0].collection) if may_see_log else ""
    imports = addresses.imports() if found.imports_running and request.user.has_perm("search.view_importjob") else ""
    seen = found.worker_seen_at
    return [
        (_("Searches"), figures.whole(searches.searches), ""),
        (_("Without results"), share, reports),
        (_("Half of them within"), figures.milliseconds(searches.p50_seconds), ""),
        (_("95 of 100 within"), figures.milliseconds(searches.p95_seconds), ""),
        (_("Imports running"), figures.whole(found.imports_running), imports),
        (_("Free disk"), f"{figures.size(found.disk_free)} / {figures.size(found.disk_total)}", ""),
        (_("Worker seen"), _("%s ago") % timesince(seen) if seen else figures.NOTHING, ""),
    ]
