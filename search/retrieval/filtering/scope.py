"""Which chunks may take part in a search at all, known before the best of them are chosen.

A filter that leaves 10 of 100,000 documents must return those 10, so the ids of their chunks go into both legs. What a
filter leaves is kept; documents that have changed since are looked at anew, by their pending rows and by what has been
applied to the index version, so that what is kept is never behind the database. Nothing here is the last word on who
may see what: `Scope.documents` is, and every hit is held against it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from search.datatypes import Ids
from search.models import Chunk, Document, IndexedDocument, IndexVersion
from search.retrieval.filtering.filters import Filters
from search.retrieval.visible_hits import visible_documents

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from search.models.corpus import DocumentQuerySet

_SQL_PARAMETERS = 10_000
_KEPT_BYTES = 64 << 20
_KEPT_MAPS = 4
_SAMPLE = 400  # documents looked at to see whether most are visible
_SMALL = 2_000
_MOST_HIDDEN = 0.5  # above this share of hidden documents, it is worth knowing the visible ones beforehand
_SHARE_SECONDS = 10.0
_CLOCKS_DIFFER = timedelta(seconds=30)  # of the hosts whose workers write one after the other
_MANY = 50_000  # changed documents; beyond that, it is quicker to look at all

_Mark = tuple[int, datetime | None]
_Viewer = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may find: `documents` as of now, and the ids of their chunks, ascending; None when it is all."""

    documents: "DocumentQuerySet"
    allowed: Ids | None


@dataclass(frozen=True, slots=True)
class _ChunkMap:
    """The live chunks of a version at one generation, ids ascending, and the document of each."""

    generation: int
    chunk_ids: Ids
    document_ids: Ids

    def chunks_of(self, document_ids: Ids) -> Ids:
        return self.chunk_ids[np.isin(self.document_ids, document_ids)]

    def mask_of(self, chunk_ids: Ids) -> NDArray[np.bool_]:
        """Return which of the chunks are among `chunk_ids`, which ascend and may have others."""
        mask = np.zeros(len(self.chunk_ids), dtype=bool)
        at = np.searchsorted(self.chunk_ids, chunk_ids)
        inside = at < len(mask)
        at, wanted = at[inside], chunk_ids[inside]
        mask[at[self.chunk_ids[at] == wanted]] = True
        return mask


@dataclass(frozen=True, slots=True)
class _Kept:
    """The chunks that a filter left when the version was at `mark`."""

    mark: _Mark
    chunk_ids: Ids


_guard = threading.Lock()
_maps: OrderedDict[Hashable, _ChunkMap] = OrderedDict()
_kept: OrderedDict[Hashable, _Kept] = OrderedDict()
_hidden_shares: dict[Hashable, tuple[float, float]] = {}


def scope_of(version: IndexVersion, user: "AbstractBaseUser | AnonymousUser | None", filters: Filters) -> Scope:
    """Return what a search of `version` by `user` may find."""
    documents = filters.apply(visible_documents(version, user))
    if not filters and (_sees_all(user) or _hidden_share(version, user) <= _MOST_HIDDEN):
        return Scope(documents, None)
    return Scope(documents, _allowed(version, documents, (*_viewer(user), *_also_on(version, filters), filters.key)))


def forget() -> None:
    """Forget what was kept, for tests and measurements."""
    with _guard:
        _maps.clear()
        _kept.clear()
        _hidden_shares.clear()


def _allowed(version: IndexVersion, documents: "DocumentQuerySet", asked: _Viewer) -> Ids | None:
    """Return the live chunks of these documents, or None if they are all there are."""
    # In this order: a change is pending until after the mark has moved, so what is not pending is in the mark.
    pending = np.fromiter(version.pending_changes.order_by().values_list("document_id", flat=True), np.int64)
    mark = _mark(version)
    chunks = _chunk_map(version, mark)
    key = (version.pk, version.created_at, *asked)
    with _guard:
        kept = _kept.get(key)
    changed = _changed_since(version, kept, mark, pending) if kept is not None else None
    if kept is None or changed is None:
        ids = chunks.chunks_of(_ids(documents))
    else:
        ids = _with_changes(kept.chunk_ids, chunks, documents, changed)
    if kept is None or kept.mark != mark:
        _keep(key, _Kept(mark, ids))
    return None if len(ids) == len(chunks.chunk_ids) else ids


def _changed_since(version: IndexVersion, kept: _Kept, mark: _Mark, pending: Ids) -> Ids | None:
    """Return the documents that may have changed since something was kept; None where all are to be looked at."""
    applied_at = kept.mark[1]
    if version.state not in IndexVersion.FED_STATES or applied_at is None:
        return None
    if kept.mark == mark:
        return pending
    since = applied_at - _CLOCKS_DIFFER
    applied = IndexedDocument.objects.filter(version=version, indexed_at__gte=since).order_by()
    ids = list(applied.values_list("document_id", flat=True)[: _MANY + 1])
    return None if len(ids) > _MANY else np.union1d(pending, np.array(ids, dtype=np.int64))


def _with_changes(kept: Ids, chunks: _ChunkMap, documents: "DocumentQuerySet", changed: Ids) -> Ids:
    """Return what was kept, with the documents that have changed since as they are now."""
    theirs = np.isin(chunks.document_ids, changed)
    takes_part = chunks.mask_of(kept)
    takes_part[theirs] = False
    for part in _parts(np.unique(chunks.document_ids[theirs])):
        takes_part |= np.isin(chunks.document_ids, _ids(documents.filter(pk__in=part)))
    return chunks.chunk_ids[takes_part]


def _mark(version: IndexVersion) -> _Mark:
    """Return what changes whenever something is applied to the version, read now."""
    row = IndexVersion.objects.filter(pk=version.pk).values_list("generation", "changed_at").first()
    return row or (version.generation, version.changed_at)


def _chunk_map(version: IndexVersion, mark: _Mark) -> _ChunkMap:
    """Return the version's chunks at its newest generation, from those of the one before where they are known."""
    generation, key = mark[0], (version.pk, version.created_at)
    with _guard:
        known = _maps.get(key)
    if known is not None and known.generation == generation:
        return known
    chunks = Chunk.objects.filter(version=version)
    if known is None or known.generation > generation:
        found = _ChunkMap(generation, *_rows(chunks.live().order_by("id").values_list("id", "document_id")))
    else:
        removed = np.fromiter(
            chunks.filter(removed_generation__gt=known.generation).values_list("id", flat=True), np.int64
        )
        added = chunks.live().filter(added_generation__gt=known.generation).order_by("id")
        new_ids, new_documents = _rows(added.values_list("id", "document_id"))
        stay = ~np.isin(known.chunk_ids, np.concatenate([removed, new_ids]))
        ids = np.concatenate([known.chunk_ids[stay], new_ids])
        order = np.argsort(ids, kind="stable")
        owners = np.concatenate([known.document_ids[stay], new_documents])
        found = _ChunkMap(generation, ids[order], owners[order])
    with _guard:
        _maps[key] = found
        _maps.move_to_end(key)
        while len(_maps) > _KEPT_MAPS:
            _maps.popitem(last=False)
    return found


def _rows(rows: Iterable[tuple[int, int]]) -> tuple[Ids, Ids]:
    pairs = np.array(list(rows), dtype=np.int64).reshape(-1, 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def _ids(documents: "DocumentQuerySet") -> Ids:
    return np.fromiter(documents.order_by().values_list("pk", flat=True), np.int64)


def _keep(key: Hashable, kept: _Kept) -> None:
    """Keep what a filter leaves; the least recently made goes first when there is too much."""
    with _guard:
        _kept[key] = kept
        _kept.move_to_end(key)
        while len(_kept) > 1 and sum(each.chunk_ids.nbytes + 1_000 for each in _kept.values()) > _KEPT_BYTES:
            _kept.popitem(last=False)


def _parts(ids: Ids) -> Iterable[list[int]]:
    return (ids[at : at + _SQL_PARAMETERS].tolist() for at in range(0, len(ids), _SQL_PARAMETERS))


def _sees_all(user: "AbstractBaseUser | AnonymousUser | None") -> bool:
    return user is not None and user.is_authenticated and bool(getattr(user, "is_superuser", False))


def _viewer(user: "AbstractBaseUser | AnonymousUser | None") -> _Viewer:
    """Return what decides which documents a user may see, besides the documents themselves."""
    if user is None or not user.is_authenticated:
        return ("public",)
    if _sees_all(user):
        return ("all",)
    groups = Document.groups.through.objects.filter(group__user=user.pk)
    # A row that comes has a new id, and one that goes leaves one fewer.
    shared = groups.aggregate(count=Count("pk"), newest=Max("pk"))
    members = getattr(user, "groups", None)
    ids = tuple(sorted(members.values_list("pk", flat=True))) if members is not None else ()
    return ("user", bool(getattr(user, "is_staff", False)), ids, shared["count"], shared["newest"])


def _also_on(version: IndexVersion, filters: Filters) -> _Viewer:
    """Return what else a filter's outcome depends on that leaves no pending row when it changes."""
    fields = {condition.field for condition in filters.conditions}
    slug = version.collection.slug if "collection" in fields else ""
    if "updated" not in fields:  # a document saved without a change is not pending, and yet it is updated
        return (slug,)
    return (slug, Document.objects.order_by("-updated_at").values_list("updated_at", flat=True).first())


def _hidden_share(version: IndexVersion, user: "AbstractBaseUser | AnonymousUser | None") -> float:
    """Return roughly which share of the collection `user` may not see; it decides about speed only."""
    who = user.pk if user is not None and user.is_authenticated else None
    key = (version.collection_id, version.created_at, who)
    known = _hidden_shares.get(key)
    if known is not None and time.monotonic() < known[0]:
        return known[1]
    share = _sampled_share(version, user)
    with _guard:
        if len(_hidden_shares) > 1_000:
            _hidden_shares.clear()
        _hidden_shares[key] = (time.monotonic() + _SHARE_SECONDS, share)
    return share


def _sampled_share(version: IndexVersion, user: "AbstractBaseUser | AnonymousUser | None") -> float:
    published = Document.objects.published().filter(collection=version.collection_id).order_by("pk")
    ids = published.values_list("pk", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None or version.documents <= _SMALL:
        return 0.0
    spread = published.filter(pk__in=np.unique(np.linspace(first, last, _SAMPLE, dtype=np.int64)).tolist())
    sample = list(spread.values_list("pk", flat=True))
    if len(sample) < _SAMPLE // 8:  # its ids are few among those of other collections
        sample = [*ids[: _SAMPLE // 2], *ids.reverse()[: _SAMPLE // 2]]
    visible = visible_documents(version, user).filter(pk__in=sample).count()
    return 1.0 - visible / len(set(sample)) if sample else 0.0
