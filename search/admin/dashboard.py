"""The admin's first page: what is wrong and where to mend it, what is being built, each collection. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from search.admin import addresses
from search.admin.imports.import_pages import may_import
from search.admin.versions.running_builds import running_builds
from search.admin.versions.version_panel import refused_candidates
from search.indexing.progress import CollectionProgress, collection_progresses
from search.models import Collection, IndexVersion, Segment

MAX_CARDS = 60


@dataclass(frozen=True, slots=True)
class Card:
    """One collection on the first page, with its live version."""

    collection: Collection
    progress: CollectionProgress
    version: IndexVersion | None
    version_url: str
    url: str
    documents_url: str
    failed_url: str
    search_url: str
    import_url: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs somebody: what, why, and the link to where it is mended."""

    title: str
    reasons: tuple[str, ...]
    url: str
    cure: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the user may see to the first page's context."""
    context = {**context, "title": _("Overview")}
    if not request.user.has_perm("search.view_collection"):
        return {**context, "cards": [], "may_see_collections": False}
    collections = list(Collection.objects.order_by("name")[:MAX_CARDS])
    may_see_versions = request.user.has_perm("search.view_indexversion")
    return {
        **context,
        "cards": _cards(collections, may_see_versions=may_see_versions, may_import=may_import(request)),
        "alarms": _alarms(collections) if may_see_versions else [],
        "running": running_builds() if may_see_versions else [],
        "may_see_versions": may_see_versions,
        "may_see_collections": True,
        "may_add_collection": request.user.has_perm("search.add_collection"),
    }


def _cards(collections: Sequence[Collection], *, may_see_versions: bool, may_import: bool) -> list[Card]:
    progresses = collection_progresses(collections)
    live = {v.collection_id: v for v in IndexVersion.objects.active().filter(collection__in=collections)}
    return [
        Card(
            collection=collection,
            progress=progresses[collection.pk],
            version=live.get(collection.pk) if may_see_versions else None,
            version_url=addresses.index_version(live[collection.pk]) if collection.pk in live else "",
            url=addresses.collection(collection),
            documents_url=addresses.documents(collection),
            failed_url=addresses.documents(collection, indexing="failed"),
            search_url=addresses.search_page(collection),
            import_url=addresses.new_import(collection) if may_import else "",
        )
        for collection in collections
    ]


def _alarms(collections: Sequence[Collection]) -> list[Alarm]:
    versions = IndexVersion.objects.fed().filter(collection__in=collections).select_related("collection")
    damaged = set(
        Segment.objects.filter(version__in=versions, state=Segment.State.DAMAGED).values_list("version_id", flat=True)
    )
    return [*_refused(list(versions)), *(alarm for version in versions for alarm in _of_version(version, damaged))]


def _refused(versions: Sequence[IndexVersion]) -> list[Alarm]:
    return [
        Alarm(
            _("%s is ready and may not go live") % version,
            tuple(check.found for check in panel.checks if not check.passed),
            addresses.index_version(version),
            _("See its checks, and what to do"),
        )
        for version, panel in refused_candidates(versions)
    ]


def _of_version(version: IndexVersion, damaged: set[int]) -> list[Alarm]:
    found = []
    if version.drift:
        title = ngettext(
            "%(version)s: %(count)d difference between database and index",
            "%(version)s: %(count)d differences between database and index",
            version.drift,
        ) % {"version": version, "count": version.drift}
        cure = _("See the version; manage.py check_index --repair mends what can be mended")
        found.append(Alarm(title, (), addresses.index_version(version), cure))
    if version.pk in damaged:
        reason = _("The worker writes it again from the database; searches leave it out until then.")
        title = _("%s: a file is damaged") % version
        found.append(Alarm(title, (reason,), addresses.index_version(version), _("See its files")))
    return found
