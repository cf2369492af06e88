"""The one public entry to searching: page, API and command all call `search`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from search.analytics import recording
from search.conf import conf
from search.datatypes import SearchResponse
from search.models import Collection, IndexVersion
from search.retrieval import pipeline
from search.retrieval.filtering.filters import Filters, InvalidFilter
from search.retrieval.open_index import open_version
from search.retrieval.query import Asked
from search.retrieval.result_set import SORTS, InvalidCursor
from search.retrieval_options import RetrievalOptions
from search.storable import storable

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MODES = ("hybrid", "dense", "lexical")
MAX_K = 100
_COUNTED_PENDING = 10_000


class InvalidQuery(ValueError):
    """What was asked cannot be answered; `field` names the parameter at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownCollection(LookupError):
    """No collection has this slug."""


class NotReady(Exception):
    """There is no active version, or nothing of it can be loaded; try again in `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int = 5) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def search(
    query: str,
    *,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    collection: str = "",
    k: int = 10,
    mode: str = "hybrid",
    filters: Sequence[str] = (),
    sort: str = "relevance",
    cursor: str = "",
    facets: Sequence[str] | None = None,
    version: IndexVersion | None = None,
    options: Mapping[str, Any] | None = None,
    log: bool = True,
    source: str = "",
    after: str = "",
) -> SearchResponse:
    """Return the `k` best documents of a collection that `user` may see.

    An empty `collection` means the installation's default; `filters` are such as `tag:news` (retrieval/filters.py).
    `cursor` is the `next_cursor` of the page before, and `facets` the fields to count values of, none for those that
    tell the documents apart.
    What is measured beside the live version names its `version`, and retrieval `options` over those of the collection;
    it is not to be logged. `source` and `after` (the `query_id` of the search that this one follows) are for the log.
    Raises InvalidQuery, UnknownCollection or NotReady; a leg that cannot take part is named in `degraded` instead.
    """
    text = _checked_query(query, k, mode, sort)
    version = version or active_version(collection)
    opened = open_version(version)
    if not opened.usable and version.chunks:
        raise NotReady(_("The index of this collection cannot be opened; the worker is restoring it."))
    waiting = version.pending_changes.waiting().values("pk")[:_COUNTED_PENDING].count()
    if not version.generation and waiting:  # nothing has ever been applied; emptied later is simply empty
        raise NotReady(_("The first documents of this collection are being indexed."))
    ranking = RetrievalOptions.over_defaults({**version.collection.retrieval, **(options or {})})
    try:
        given = Filters.of(parameters=filters)
        asked = Asked(text, mode, k, user, given, sort, cursor, facets)
        found = pipeline.run(asked, opened=opened, options=ranking)
    except InvalidFilter as error:
        raise InvalidQuery("filter", str(error)) from error
    except InvalidCursor as error:
        raise InvalidQuery("cursor", str(error)) from error
    response = SearchResponse(
        query=text,
        mode=mode,
        collection=version.collection.slug,
        index_version=opened.version.number,  # for a moment after a switch, the one before
        total=found.total,
        total_relation=found.total_relation,
        took_ms=found.took,
        degraded=found.degraded,
        good_match=found.good_match,
        pending_documents=waiting,
        results=found.results,
        filters=found.filters,
        sort=sort,
        facets=found.facets,
        next_cursor=found.next_cursor,
        did_you_mean=found.did_you_mean,
    )
    if not log or cursor:  # the pages of one answer are one search
        return response
    return replace(response, query_id=recording.record(response, version=version, source=source, after=after))


def default_collection() -> Collection | None:
    """Return the collection that is searched when none is named: the one of DEFAULT_COLLECTION, else the oldest."""
    collections = Collection.objects.order_by("pk")
    wanted = conf().DEFAULT_COLLECTION
    return (collections.filter(slug=wanted) if wanted else collections).first()


def _checked_query(query: str, k: int, mode: str, sort: str) -> str:
    text = storable(query).strip()
    most = conf().MAX_QUERY_CHARS
    if not text:
        raise InvalidQuery("q", _("The query is empty. Say what you are looking for."))
    if len(text) > most:
        raise InvalidQuery(
            "q",
            _("The query has %(given)d characters; at most %(most)d are searched for.")
            % {"given": len(text), "most": most},
        )
    if not 1 <= k <= MAX_K:
        raise InvalidQuery("k", _("k is %(k)s; it must be from 1 to %(most)d.") % {"k": k, "most": MAX_K})
    if mode not in MODES:
        raise InvalidQuery("mode", _("mode is %(mode)s; known: %(known)s.") % {"mode": mode, "known": ", ".join(MODES)})
    if sort not in SORTS:
        raise InvalidQuery("sort", _("sort is %(sort)s; known: %(known)s.") % {"sort": sort, "known": ", ".join(SORTS)})
    return text


def active_version(slug: str) -> IndexVersion:
    """Return the version to search, with its collection, as committed now; of the default collection for no slug.

    Raises UnknownCollection or NotReady.
    """
    if slug and "\x00" in slug:
        raise UnknownCollection(slug)
    versions = IndexVersion.objects.active().select_related("collection")
    if slug:
        version = versions.filter(collection__slug=storable(slug)).first()
        if version is None and not Collection.objects.filter(slug=storable(slug)).exists():
            raise UnknownCollection(slug)
    else:
        collection = default_collection()
        if collection is None and conf().DEFAULT_COLLECTION:
            raise UnknownCollection(conf().DEFAULT_COLLECTION)
        if collection is None:
            raise NotReady(_("There is no collection yet. A curator makes the first one in the admin."), 30)
        version = versions.filter(collection=collection).first()
    if version is None:
        raise NotReady(_("The first index version of this collection is about to be made by the worker."))
    return version
