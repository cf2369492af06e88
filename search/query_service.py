"""The one public entry to searching: page, API and command all call `search`."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from search import metrics
from search.analytics import recording
from search.conf import conf
from search.datatypes import SearchResponse
from search.models import Collection, Document, IndexVersion
from search.retrieval import across, pipeline
from search.retrieval.explanations import with_explanations
from search.retrieval.filtering.filters import Filters, InvalidFilter
from search.retrieval.open_index import OpenVersion, open_version
from search.retrieval.query import Asked
from search.retrieval.result_set import SORTS, InvalidCursor
from search.retrieval.trace import Trace
from search.retrieval_options import RERANKERS, RetrievalOptions
from search.storable import storable

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Asker: TypeAlias = "AbstractBaseUser | AnonymousUser | None"
Taken = ParamSpec("Taken")
MODES = ("hybrid", "dense", "lexical")
MAX_K = 100
MAX_COLLECTIONS = 20
_COUNTED_PENDING = 10_000

logger = logging.getLogger(__name__)


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


_REASONS: dict[type[Exception], str] = {
    InvalidQuery: "invalid",
    UnknownCollection: "unknown_collection",
    NotReady: "not_ready",
}


def _refusals_counted(searching: Callable[Taken, SearchResponse]) -> Callable[Taken, SearchResponse]:
    @functools.wraps(searching)
    def counting(*args: Taken.args, **kwargs: Taken.kwargs) -> SearchResponse:
        try:
            return searching(*args, **kwargs)
        except (InvalidQuery, UnknownCollection, NotReady) as error:
            metrics.count("searches_refused", reason=_REASONS[type(error)])
            raise

    return counting


@_refusals_counted
def search(
    query: str,
    *,
    user: Asker = None,
    collection: str = "",
    k: int = 10,
    mode: str = "hybrid",
    filters: Sequence[str] = (),
    sort: str = "relevance",
    weak: bool = False,
    cursor: str = "",
    facets: Sequence[str] | None = None,
    rerank: str = "",
    explain: bool = False,
    version: IndexVersion | None = None,
    options: Mapping[str, Any] | None = None,
    log: bool = True,
    source: str = "",
    after: str = "",
) -> SearchResponse:
    """Return the `k` best documents of a collection, or of several, that `user` may see.

    An empty `collection` means the installation's default; several are given with commas between their
    slugs. `filters` are such as `tag:news` (retrieval/filters.py).
    Another `sort` than by relevance orders what may be an answer, and with `weak` everything that was found.
    `cursor` is the `next_cursor` of the page before, and `facets` the fields to count values of, none for those that
    tell the documents apart. `rerank` is "none", "maxsim" or "cross_encoder" instead of what the collection has set.
    With `explain`, each result of a first page in one collection says why it is where it is.
    What is measured beside the live version names its `version`, and retrieval `options` over those of the collection;
    it is not to be logged. `source` and `after` (the `query_id` of the search that this one follows) are for the log.
    Raises InvalidQuery, UnknownCollection or NotReady; a leg that cannot take part is named in `degraded` instead.
    """
    text = _checked_query(query, k, mode, sort)
    over = {**(options or {}), **({"rerank": rerank} if rerank else {})}
    searched, silent = _searched([version] if version is not None else _active_versions(collection), over, user)
    first, alone = searched[0], len(searched) + len(silent) == 1
    if explain and (cursor or not alone):
        raise InvalidQuery("explain", _("Only the first page of a search in one collection can be explained."))
    trace = Trace() if explain else None
    try:
        given = Filters.of(parameters=filters)
        asked = Asked(text, mode, k, user, given, sort, weak, cursor, facets)
        if alone:
            found = pipeline.run(asked, opened=first.opened, options=first.ranking, trace=trace)
        else:
            found = across.run(asked, [(one.opened, one.ranking) for one in searched])
    except InvalidFilter as error:
        raise InvalidQuery("filter", str(error)) from error
    except InvalidCursor as error:
        raise InvalidQuery("cursor", str(error)) from error
    response = SearchResponse(
        query=text,
        mode=mode,
        collection=",".join(one.version.collection.slug for one in searched),
        index_version=first.opened.version.number,  # for a moment after a switch, the one before
        total=found.total,
        total_relation=found.total_relation,
        took_ms=found.took,
        degraded=(*silent, *found.degraded),
        good_match=found.good_match,
        pending_documents=sum(one.waiting for one in searched),
        results=found.results,
        filters=found.filters,
        sort=sort,
        weak_left_out=found.weak_left_out,
        facets=found.facets,
        next_cursor=found.next_cursor,
        did_you_mean=found.did_you_mean,
    )
    if trace is not None:
        response = with_explanations(trace, response)
    if log and not cursor:
        metrics.count_search(response)
        _note(response)
    if not log or cursor or len(searched) > 1:  # the pages of one answer are one search; the log is of one collection
        return response
    return replace(response, query_id=recording.record(response, version=first.version, source=source, after=after))


def _note(response: SearchResponse) -> None:
    """Write a line about a search into the log of this process, without what was asked unless that is wanted."""
    fields: dict[str, Any] = {
        "collection": response.collection,
        "version": response.index_version,
        "mode": response.mode,
        "total": response.total,
        "good_match": response.good_match,
        "degraded": len(response.degraded),
        "stages_ms": {stage: round(spent, 1) for stage, spent in asdict(response.took_ms).items()},
    }
    if conf().LOG_TEXTS:
        fields["query"] = response.query
    logger.info("searched", extra={"fields": fields})


@dataclass(frozen=True, slots=True)
class _Searched:
    """A collection that can answer: its version, opened, and how it ranks."""

    version: IndexVersion
    opened: OpenVersion
    ranking: RetrievalOptions
    waiting: int
    """How many documents that the asker may see have been saved and are not in the index yet."""


def _searched(
    versions: Sequence[IndexVersion | NotReady], options: Mapping[str, Any], user: Asker
) -> tuple[list[_Searched], list[str]]:
    """Return what can be searched, and why the rest cannot. Raises NotReady when nothing can."""
    searched: list[_Searched] = []
    reasons: list[NotReady] = []
    for version in versions:
        try:
            if isinstance(version, NotReady):
                raise version
            searched.append(_opened(version, options, user))
        except NotReady as error:
            reasons.append(error)
    if not searched:
        raise reasons[0]
    return searched, [str(reason) for reason in reasons]


def _opened(version: IndexVersion, options: Mapping[str, Any], user: Asker) -> _Searched:
    opened = open_version(version)
    slug = version.collection.slug
    if not opened.usable and version.chunks:
        raise NotReady(_("The index of the collection %s cannot be opened; the worker is restoring it.") % slug)
    waiting = version.pending_changes.waiting()
    if not version.generation and waiting.exists():  # nothing has ever been applied; emptied later is simply empty
        raise NotReady(_("The first documents of the collection %s are being indexed.") % slug)
    ranking = RetrievalOptions.over_defaults({**version.collection.retrieval, **options})
    _check_reranker(ranking)
    # Asked of each waiting document, and not of all documents: few wait where many are visible.
    seen = waiting.filter(Exists(Document.objects.visible_to(user).filter(pk=OuterRef("document")))).values("pk")
    return _Searched(version, opened, ranking, seen[:_COUNTED_PENDING].count())


def _active_versions(collection: str) -> list[IndexVersion | NotReady]:
    """Return the version to search of each collection that is named, or why there is none. Raises UnknownCollection."""
    if "," not in collection:
        return [active_version(collection)]
    slugs = list(dict.fromkeys(slug.strip() for slug in collection.split(",") if slug.strip()))
    if not slugs:
        raise UnknownCollection(collection)
    if len(slugs) > MAX_COLLECTIONS:
        raise InvalidQuery(
            "collection",
            _("%(given)d collections are named; at most %(most)d are searched at once.")
            % {"given": len(slugs), "most": MAX_COLLECTIONS},
        )
    versions: list[IndexVersion | NotReady] = []
    for slug in slugs:
        try:
            versions.append(active_version(slug))
        except NotReady as error:
            versions.append(error)
    return versions


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


def _check_reranker(options: RetrievalOptions) -> None:
    if options.rerank not in RERANKERS:
        raise InvalidQuery(
            "rerank",
            _("rerank is %(given)s; known: %(known)s.") % {"given": options.rerank, "known": ", ".join(RERANKERS)},
        )
    if options.rerank == "cross_encoder" and not options.cross_encoder:
        raise InvalidQuery("rerank", _("This collection has no cross-encoder; a curator sets cross_encoder for it."))


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
        message = _("The first index version of the collection %s is about to be made by the worker.")
        raise NotReady(message % (slug or (collection.slug if collection else "")))
    return version
