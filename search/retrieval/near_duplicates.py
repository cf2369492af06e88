"""Finds documents that say nearly the same, by the vectors of their chunks; a step at a time, in the worker.

Two documents are as similar as the less covered of them is by the other: for each chunk of one its best cosine among
the chunks of the other, averaged by tokens, and of both directions the smaller. A short text inside a long one is
therefore no duplicate of it.
"""

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from search.datatypes import Vectors
from search.engines.base import IndexReader
from search.index_state import vectors_of
from search.models import Chunk, Collection, Document, DuplicatePair, DuplicateScan, IndexedDocument, IndexVersion
from search.retrieval.open_index import open_version

_DOCUMENTS = 64  # in one step
_NEIGHBOURS = 10  # looked at for each chunk
_MOST_CHUNKS = 200  # of one document; longer ones are compared by evenly spaced ones


@dataclass(frozen=True, slots=True)
class _Side:
    """A document's chunks: unit vectors, shape (n, d), and how much each counts."""

    vectors: Vectors
    weights: Vectors


def request(collection: Collection, *, threshold: float = 0.95) -> DuplicateScan:
    """Ask for a search through the collection, anew from its first document. Raises ValueError for a bad threshold."""
    if not 0.5 <= threshold <= 1.0:
        raise ValueError(f"The least similarity is {threshold}; it must be a number from 0.5 to 1.")
    values = {
        "threshold": threshold, "status": DuplicateScan.Status.QUEUED, "next_document": 0, "done": 0, "found": 0,
        "total": 0, "error": "", "requested_at": timezone.now(), "finished_at": None,
    }  # fmt: skip
    scan, _ = DuplicateScan.objects.update_or_create(collection=collection, defaults=values)
    return scan


def unfinished() -> list[int]:
    """Return the collections in which a search is to be done or gone on with."""
    todo = DuplicateScan.objects.filter(status__in=(DuplicateScan.Status.QUEUED, DuplicateScan.Status.RUNNING))
    return list(todo.order_by("pk").values_list("collection_id", flat=True))


def run(collection_id: int, *, budget_seconds: float) -> bool:
    """Go on with a collection's search until it is over or the budget is spent; return whether there is more."""
    deadline = time.monotonic() + budget_seconds
    scan = DuplicateScan.objects.select_related("collection").filter(collection=collection_id).first()
    while scan is not None and scan.status in (DuplicateScan.Status.QUEUED, DuplicateScan.Status.RUNNING):
        if time.monotonic() > deadline:
            return True
        _step(scan)
        scan.refresh_from_db()
    return False


def _step(scan: DuplicateScan) -> None:
    version = scan.collection.active_version()
    opened = open_version(version) if version is not None else None
    if opened is None or opened.dense is None:
        reason = opened.dense_problem if opened is not None else "Nothing of this collection is indexed yet."
        _end(scan, DuplicateScan.Status.FAILED, reason)
        return
    rows = IndexedDocument.objects.filter(version=opened.version, document_id__gt=scan.next_document, chunk_count__gt=0)
    ids = list(rows.order_by("document_id").values_list("document_id", flat=True)[:_DOCUMENTS])
    if not ids:
        _end(scan, DuplicateScan.Status.FINISHED)
        return
    pairs = _pairs_of(opened.version, opened.dense, ids, scan.threshold)
    with transaction.atomic():
        found = _keep(scan, pairs)
        DuplicateScan.objects.filter(pk=scan.pk, next_document=scan.next_document).update(
            status=DuplicateScan.Status.RUNNING,
            next_document=ids[-1],
            done=F("done") + len(ids),
            found=F("found") + found,
            total=IndexedDocument.objects.filter(version=opened.version, chunk_count__gt=0).count(),
        )


def _pairs_of(
    version: IndexVersion, reader: IndexReader, ids: list[int], threshold: float
) -> dict[tuple[int, int], float]:
    """Return (older, newer) → similarity of the pairs that these documents are part of."""
    sides = _sides(version, ids)
    near: dict[int, set[int]] = defaultdict(set)
    for document_id, side in sides.items():
        hits = reader.search(side.vectors, _NEIGHBOURS)
        close = [int(i) for hit in hits for i in hit.ids[hit.distances <= 2.0 * (1.0 - threshold) + 1e-6]]
        owners = Chunk.objects.filter(pk__in=set(close)).values_list("document_id", flat=True)
        near[document_id] = set(owners) - {document_id}
    sides |= _sides(version, sorted({other for others in near.values() for other in others} - set(sides)))
    pairs = {(min(one, other), max(one, other)) for one, others in near.items() for other in others if other in sides}
    found = {(one, other): _similarity(sides[one], sides[other]) for one, other in pairs}
    return {pair: similarity for pair, similarity in found.items() if similarity >= threshold}


def _sides(version: IndexVersion, ids: list[int]) -> dict[int, _Side]:
    rows = Chunk.objects.filter(version=version, document_id__in=ids).live().order_by("document_id", "ordinal")
    chunks: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for document_id, pk, text_hash, tokens in rows.values_list("document_id", "pk", "text_hash", "tokens"):
        chunks[document_id].append((pk, text_hash, tokens))
    sides = {}
    for document_id, found in chunks.items():
        step = max(1, -(-len(found) // _MOST_CHUNKS))
        kept = found[::step]
        _, vectors = vectors_of(version, [(pk, text_hash) for pk, text_hash, _ in kept])
        weights = np.array([max(1, tokens) for _, _, tokens in kept], dtype=np.float32)
        sides[document_id] = _Side(vectors, weights / weights.sum())
    return sides


def _similarity(one: _Side, other: _Side) -> float:
    cosines = one.vectors @ other.vectors.T
    there = float(cosines.max(axis=1) @ one.weights)
    back = float(cosines.max(axis=0) @ other.weights)
    return min(1.0, there, back)


def _keep(scan: DuplicateScan, pairs: dict[tuple[int, int], float]) -> int:
    """Write the pairs; what a curator decided of one stays decided. Return how many are open."""
    documents = Document.objects.published().in_bulk({pk for pair in pairs for pk in pair})
    count = 0
    for (first_id, second_id), similarity in sorted(pairs.items()):
        first, second = documents.get(first_id), documents.get(second_id)
        if first is None or second is None:
            continue
        same = (first.title, first.body) == (second.title, second.body)
        pair, _ = DuplicatePair.objects.update_or_create(
            first=first,
            second_external_id=second.external_id,
            defaults={
                "collection_id": scan.collection_id,
                "second": second,
                "kind": DuplicatePair.Kind.EXACT if same else DuplicatePair.Kind.NEAR,
                "similarity": 1.0 if same else similarity,
                "found_at": timezone.now(),
            },
        )
        count += pair.state == DuplicatePair.State.OPEN
    return count


def _end(scan: DuplicateScan, status: str, error: str = "") -> None:
    """Close a search; open pairs that it did not meet again are no longer pairs."""
    with transaction.atomic():
        if status == DuplicateScan.Status.FINISHED:
            stale = DuplicatePair.objects.open().filter(collection=scan.collection_id, found_at__lt=scan.requested_at)
            stale.delete()
        DuplicateScan.objects.filter(pk=scan.pk).update(status=status, error=error, finished_at=timezone.now())
