"""Compares a version's segments and its lexical index with its chunk rows, by hash and by id, in short steps.

Changes nothing. Files are hashed before anything in them is believed. Where something differs and the worker has
published meanwhile, the comparison is made again.
"""

from collections.abc import Callable, Generator

import numpy as np

from search import registry
from search.datatypes import Ids, IndexState, Vectors
from search.engines.base import BadEngineOptions, BadVectors, IndexDamaged
from search.index_state import segment_file, vectors_of
from search.indexing.drift_report import DriftReport
from search.indexing.version_files import lexical_damage_steps, segment_damage_steps
from search.lexical.tantivy_index import LexicalReader, Publication, open_verified
from search.models import Chunk, Document, IndexVersion, MissingEmbedding, PendingChange, Segment

_BLOCK_ROWS = 10_000
_LOOKS = 3
_LAST_ID = 2**62
_SAMPLE = 32
_FAR = 0.5  # squared distance of a vector to itself that no compression explains; 0 to 4

Steps = Generator[None, None, None]
Comparison = Callable[[IndexVersion, DriftReport], Steps]


def segment_steps(version: IndexVersion, report: DriftReport) -> Steps:
    """Compare the segments with the chunks that should be in them."""
    if registry.engine_for(version.engine, version.engine_options).capabilities.segments:
        yield from _settled(version, report, _segments)


def lexical_steps(version: IndexVersion, report: DriftReport) -> Steps:
    """Compare the published lexical index with the chunks that should be in it."""
    yield from _settled(version, report, _lexical)


def _settled(version: IndexVersion, report: DriftReport, compare: Comparison) -> Steps:
    """Compare until nothing differs, or nothing was published while it was compared."""
    for _ in range(_LOOKS):
        version.refresh_from_db()
        found = DriftReport(report.collection)
        yield from compare(version, found)
        state = IndexVersion.objects.values_list("generation", "lexical_files").get(pk=version.pk)
        if found.clean or state == (version.generation, version.lexical_files):
            break
    report.take(found)


def _segments(version: IndexVersion, found: DriftReport) -> Steps:
    covered = 0
    for segment in list(version.segments.all()):
        _gap(version, covered + 1, segment.first_id - 1, found)
        if segment.first_id <= covered:
            found.problems.append(f"Segment {segment} begins at chunk {segment.first_id}, inside the one before it.")
            found.intervals.append((segment.first_id, max(covered, segment.last_id)))
        covered = max(covered, segment.last_id)
        yield from _segment(version, segment, found)
    if covered > version.sealed_to:
        found.problems.append(f"Segments hold chunks up to {covered}, and the tail begins behind {version.sealed_to}.")
    else:
        _gap(version, covered + 1, version.sealed_to, found)
    yield


def _gap(version: IndexVersion, first_id: int, last_id: int, found: DriftReport) -> None:
    """Note live chunks between two segments, which neither of them holds nor the tail."""
    lost = Chunk.objects.filter(version=version, pk__range=(first_id, last_id)).live().order_by("pk")
    pks = list(lost.values_list("pk", flat=True)) if first_id <= last_id else []
    if pks:
        found.chunks_not_dense.extend(pks)
        found.intervals.append((pks[0], pks[-1]))


def _segment(version: IndexVersion, segment: Segment, found: DriftReport) -> Steps:
    before = found.drift
    message = yield from segment_damage_steps(version, segment)
    if message or segment.state == Segment.State.DAMAGED:
        found.damaged_files.append(message or f"{segment.path}: found damaged, waits to be written again")
    else:
        try:
            ids: Ids = np.sort(np.load(segment_file(version, segment).ids_path, allow_pickle=False))
            yield from _compare_ids(version, segment, ids, found)
            if found.drift == before and (problem := _misplaced(version, segment, ids)):
                found.problems.append(problem)
        except (IndexDamaged, BadEngineOptions, BadVectors, ValueError, OSError) as error:
            found.problems.append(f"Segment {segment}: {error}")
    if found.drift > before:
        found.intervals.append((segment.first_id, segment.last_id))


def _compare_ids(version: IndexVersion, segment: Segment, ids: Ids, found: DriftReport) -> Steps:
    """Compare the ids of a segment's vectors with the chunk rows in its interval."""
    if len(ids) != segment.rows or (np.diff(ids) <= 0).any():
        found.problems.append(
            f"Segment {segment} has {len(ids)} ids in its file; {segment.rows} different ones belong there."
        )
        return
    if ids[0] < segment.first_id or ids[-1] > segment.last_id:
        found.problems.append(f"Segment {segment} has ids {ids[0]} to {ids[-1]}; {segment.first_id} to "
                              f"{segment.last_id} belong there.")  # fmt: skip
        return
    rows = Chunk.objects.filter(version=version, pk__lte=segment.last_id).order_by("pk")
    at = segment.first_id
    while at <= segment.last_id:
        block = list(rows.filter(pk__gte=at).values_list("pk", "removed_generation")[:_BLOCK_ROWS])
        upto = block[-1][0] if len(block) == _BLOCK_ROWS else segment.last_id
        held = ids[np.searchsorted(ids, at) : np.searchsorted(ids, upto, "right")]
        live = np.array([pk for pk, removed in block if removed is None], np.int64)
        known = np.array([pk for pk, _ in block], np.int64)
        found.chunks_not_dense.extend(np.setdiff1d(live, held, assume_unique=True).tolist())
        found.chunks_only_dense.extend(np.setdiff1d(held, known, assume_unique=True).tolist())
        at = upto + 1
        yield


def _misplaced(version: IndexVersion, segment: Segment, ids: Ids) -> str:
    """Return a problem when a sample of the segment's vectors are not those of their chunks, though all hashes are."""
    few = ids[:: max(1, len(ids) // _SAMPLE)][:_SAMPLE].tolist()
    rows = list(Chunk.objects.filter(pk__in=few).live().order_by("pk").values_list("pk", "text_hash"))
    try:
        found, vectors = vectors_of(version, rows)
    except MissingEmbedding:
        return ""  # reported with the chunks
    if len(found) < 2:
        return ""
    own, others = _distances(version, segment, found, vectors)
    if own > _FAR and own > others / 2:
        return f"Segment {segment}: its vectors are not those of its ids (distance {own:.2f} where 0 is expected)."
    return ""


def _distances(version: IndexVersion, segment: Segment, ids: Ids, vectors: Vectors) -> tuple[float, float]:
    """Return how far chunks are from their own vectors in the segment and from each other's, squared, in the middle."""
    engine = registry.engine_for(version.engine, version.engine_options)
    none = np.empty(0, np.int64)
    no_tail = np.empty((0, version.dimension), np.float32)
    file = segment_file(version, segment)
    reader = engine.open(IndexState(version.generation, version.dimension, (file,), none, no_tail, none))
    measured = np.stack([reader.distances(vector, ids) for vector in vectors])
    own = np.diagonal(measured)
    others = measured[~np.eye(len(ids), dtype=bool)]
    return float(np.median(own)), float(np.median(others))


def _lexical(version: IndexVersion, found: DriftReport) -> Steps:
    message = yield from lexical_damage_steps(version)
    if message:
        found.damaged_files.append(message)
        found.lexical_anew = True
        return
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        return
    reader = open_verified(version.folder / "lexical", publication)
    rows = Chunk.objects.filter(version=version).order_by("pk")
    columns = ("pk", "added_generation", "removed_generation")
    at = 0
    while at < _LAST_ID:
        block = list(rows.filter(pk__gte=at).values_list(*columns)[:_BLOCK_ROWS])
        upto = block[-1][0] if len(block) == _BLOCK_ROWS else _LAST_ID
        _compare_entries(version, reader, block, (at, upto), found)
        at = upto + 1
        yield
    found.lexical_anew = bool(found.chunks_not_lexical or found.chunks_only_lexical)


def _compare_entries(
    version: IndexVersion,
    reader: LexicalReader,
    block: list[tuple[int, int, int | None]],
    between: tuple[int, int],
    found: DriftReport,
) -> None:
    """Compare the entries in an interval of ids with the chunk rows, as of the generation that was published."""
    published = version.lexical_generation
    held = set(reader.ids_between(*between, 2 * _BLOCK_ROWS))
    wanted = {pk for pk, added, removed in block if added <= published and (removed is None or removed > published)}
    later = {pk for pk, added, _ in block if added > published}
    absent = sorted(wanted - held)
    if absent:
        found.chunks_not_lexical.extend(_expected(version, absent))
    found.chunks_only_lexical.extend(sorted(held - wanted - later))


def _expected(version: IndexVersion, pks: list[int]) -> list[int]:
    """Return those of these chunks whose document is still there, so that there is a text to be indexed."""
    waiting = set(PendingChange.objects.filter(version=version).values_list("document_id", flat=True))
    result: list[int] = []
    for at in range(0, len(pks), 500):
        rows = dict(Chunk.objects.filter(pk__in=pks[at : at + 500]).live().values_list("pk", "document_id"))
        there = set(Document.objects.filter(pk__in=rows.values()).values_list("pk", flat=True))
        result.extend(pk for pk in sorted(rows) if rows[pk] in there and rows[pk] not in waiting)
    return result
