"""The index versions that this process has open, brought up to date at each query.

One committed row decides what is live: each query reads the version's generation, and when it is newer than
what is open, this module reads what changed, or opens what is new. Before files are opened they are hashed;
where that takes long, it happens beside the queries, which go on with what is open: with a newer generation, by
the segments that they have and the database's newest vectors; after a switch, with the version that was searched
before, whole as it was. A version that cannot be opened leaves the last good one open; a part that cannot is named,
so that the other leg answers.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.engines.base import BadEngineOptions, BadVectors, IndexDamaged, IndexReader
from search.index_state import read_changes, read_state
from search.lexical.tantivy_index import LexicalDamaged, LexicalReader, Publication, open_publication
from search.models import IndexVersion, MissingEmbedding, Segment, index_damaged
from search.retrieval import beside
from search.retrieval.query_vectors import query_vector

logger = logging.getLogger(__name__)

_KEEP_VERSIONS = 2  # of each collection: the live one, and the one before it or the candidate after it
_RETRY_SECONDS = 1.0
_AT_ONCE_BYTES = 8 << 20  # hashed within about 10 ms; a query waits for no more than that
_LOOK_AHEAD_SECONDS = 2.0
_CANNOT_OPEN = (IndexDamaged, MissingEmbedding, BadVectors, BadEngineOptions, OSError)


@dataclass(frozen=True)
class OpenVersion:
    """One state of one version: its dense reader and its lexical reader, or why one of them is missing."""

    version: IndexVersion
    segment_ids: tuple[int, ...] = ()
    dense: IndexReader | None = None
    dense_problem: str = ""
    lexical: LexicalReader | None = None
    lexical_problem: str = ""
    retry_at: float = 0.0

    @property
    def usable(self) -> bool:
        """True when at least one leg can answer."""
        return self.dense is not None or self.lexical is not None


_open: dict[int, OpenVersion] = {}
_searched: dict[int, int] = {}  # collection id → id of the version that it was last searched by
_looked_ahead: dict[int, float] = {}
_locks: dict[int, threading.Lock] = {}
_guard = threading.Lock()


def open_version(version: IndexVersion) -> OpenVersion:
    """Return what to search: the version as its row says it is now; `version` must have been read for this query.

    It is the version that was searched before, for as long as a version that has just gone live is being opened.
    """
    current = _open.get(version.pk)
    if current is None and (previous := _searched_before(version)) is not None and _takes_long(version):
        beside.start(f"opening {version}", partial(_prepare, version.pk))
        return previous
    current = _up_to_date(version)
    _searched[version.collection_id] = version.pk
    _look_ahead(version)
    return current


def loaded_versions() -> dict[int, int]:
    """Return version id → generation of what this process has open."""
    return {pk: opened.version.generation for pk, opened in list(_open.items()) if opened.usable}


def close_all() -> None:
    """Forget everything that is open, for tests and before a fork."""
    with _guard:
        for memory in (_open, _searched, _looked_ahead, _locks):
            memory.clear()


def _up_to_date(version: IndexVersion) -> OpenVersion:
    current = _open.get(version.pk)
    if current is not None and _is_current(current, version):
        return current
    with _lock_of(version.pk):
        current = _open.get(version.pk)
        if current is None or not _is_current(current, version):
            current = _with_lexical(_with_dense(current or OpenVersion(version), version), version)
            current = replace(current, version=version)
            _remember(current)
    return current


def _lock_of(version_pk: int) -> threading.Lock:
    with _guard:
        return _locks.setdefault(version_pk, threading.Lock())


def _is_current(opened: OpenVersion, version: IndexVersion) -> bool:
    if (opened.dense_problem or opened.lexical_problem) and time.monotonic() >= opened.retry_at:
        return False
    seen = opened.version
    return (
        seen.generation >= version.generation
        and seen.lexical_generation >= version.lexical_generation
        and seen.lexical_files == version.lexical_files
        and seen.calibration == version.calibration
    )


def _remember(opened: OpenVersion) -> None:
    """Keep what was opened; of the collection's other versions the one that is searched stays, then the newest."""
    collection_id = opened.version.collection_id
    with _guard:
        _open.pop(opened.version.pk, None)
        _open[opened.version.pk] = opened
        same = [pk for pk, other in _open.items() if other.version.collection_id == collection_id]
        same.sort(key=lambda pk: pk == _searched.get(collection_id) and pk != opened.version.pk)
        same.sort(key=lambda pk: pk == opened.version.pk)
        for pk in same[:-_KEEP_VERSIONS]:
            del _open[pk]


# --- Versions that are about to be searched


def _searched_before(version: IndexVersion) -> OpenVersion | None:
    """Return the version that this process searched before this one became live, if it can go on with that."""
    searched = _searched.get(version.collection_id)
    previous = _open.get(searched) if searched is not None and searched != version.pk else None
    return previous if previous is not None and previous.usable else None


def _takes_long(version: IndexVersion) -> bool:
    """Tell whether opening a version would keep a query waiting: large files to hash, or an encoder to load."""
    if _bytes_of(version.segments.all()) > _AT_ONCE_BYTES:
        return True
    try:
        encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
        return not encoder.is_loaded
    except EncoderUnavailable:
        return False  # the query will say so


def _look_ahead(version: IndexVersion) -> None:
    """Every few seconds, see whether a candidate is ready, and open it before it goes live."""
    collection_id = version.collection_id
    if time.monotonic() < _looked_ahead.get(collection_id, 0.0):
        return
    _looked_ahead[collection_id] = time.monotonic() + _LOOK_AHEAD_SECONDS
    ready = IndexVersion.objects.filter(collection=collection_id, state=IndexVersion.State.READY)
    for candidate in ready.exclude(pk__in=list(_open)):
        beside.start(f"opening {candidate}", partial(_prepare, candidate.pk))


def _prepare(version_pk: int) -> None:
    """Open a version and load its encoder, so that the queries that will search it wait for neither."""
    version = IndexVersion.objects.select_related("collection").get(pk=version_pk)
    try:
        query_vector(version, "warm up")
    except (EncoderUnavailable, EncodingFailed) as error:
        logger.warning("Queries of %s will have no vectors: %s", version, error)
    try:
        _up_to_date(version)
    except Exception as error:  # queries must not wait for it for ever; they will meet it themselves
        _remember(OpenVersion(version, dense_problem=str(error)))
        raise


# --- The dense part


def _with_dense(opened: OpenVersion, version: IndexVersion) -> OpenVersion:
    """Return `opened` with its dense reader brought to the version's generation."""
    previous = opened.dense
    if previous is not None and previous.generation >= version.generation and not opened.dense_problem:
        return opened
    segments = list(version.segments.all())
    ids = tuple(segment.pk for segment in segments)
    new = [segment for segment in segments if segment.pk not in opened.segment_ids]
    sound = previous is not None and not opened.dense_problem
    try:
        engine = registry.engine_for(version.engine, version.engine_options)
        if previous is not None and sound and ids == opened.segment_ids:
            return replace(opened, dense=previous.changed(read_changes(version, previous.generation)))
        if previous is not None and sound and _bytes_of(new) > _AT_ONCE_BYTES:
            # Rows tell what changed, whichever segments hold the rest: the ones that are open will do for now.
            dense = previous.changed(read_changes(version, previous.generation))
            beside.start(f"opening segments of {version}", partial(_open_segments, version.pk))
            return replace(opened, dense=dense)
        _refuse_known_damage(segments, opened)
        dense = engine.open(read_state(version), previous)
    except _CANNOT_OPEN as error:
        _note_problem(version, error)
        return replace(opened, dense_problem=str(error), retry_at=time.monotonic() + _RETRY_SECONDS)
    return replace(opened, dense=dense, dense_problem="", segment_ids=ids)


def _open_segments(version_pk: int) -> None:
    """Open a version's new segments beside the queries; those that come meanwhile, too."""
    while _open_segments_once(version_pk):
        pass


def _open_segments_once(version_pk: int) -> bool:
    """Open what is new and bring it to what the queries have by now; False when there is nothing more to open."""
    version = IndexVersion.objects.select_related("collection").get(pk=version_pk)
    segments = list(version.segments.all())
    ids = tuple(segment.pk for segment in segments)
    before = _open.get(version_pk)
    if before is None or before.segment_ids == ids:
        return False
    try:
        _refuse_known_damage(segments, before)
        dense = registry.engine_for(version.engine, version.engine_options).open(read_state(version), before.dense)
    except _CANNOT_OPEN as error:
        _note_problem(version, error)
        return False  # what is open goes on; a segment that was written again is another one
    with _lock_of(version_pk):
        now = _open.get(version_pk)
        if now is not None:
            _remember(_with_dense(replace(now, dense=dense, dense_problem="", segment_ids=ids), now.version))
    return True


def _note_problem(version: IndexVersion, error: Exception) -> None:
    """Log why the vectors cannot be opened, and have a damaged segment mended."""
    logger.error("The vectors of %s cannot be opened: %s", version, error)
    if isinstance(error, IndexDamaged):
        names = version.segments.filter(path=error.path.name) | version.segments.filter(ids_path=error.path.name)
        if names.exclude(state=Segment.State.DAMAGED).update(state=Segment.State.DAMAGED):
            index_damaged.send(sender=IndexVersion, collection_id=version.collection_id)


def _refuse_known_damage(segments: Sequence[Segment], opened: OpenVersion) -> None:
    """Raise for a segment that was found damaged before, without hashing it again at every query."""
    for segment in segments:
        if segment.state == Segment.State.DAMAGED and segment.pk not in opened.segment_ids:
            raise IndexDamaged(
                f"Index file {segment.path} was found damaged and waits to be restored.",
                segment.version.folder / segment.path,
            )


# --- The lexical part


def _with_lexical(opened: OpenVersion, version: IndexVersion) -> OpenVersion:
    """Return `opened` with the lexical publication that the version names."""
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        problem = "The lexical index is being built." if version.chunks else ""
        return replace(opened, lexical_problem=problem, retry_at=time.monotonic() + _RETRY_SECONDS)
    if opened.lexical is not None and opened.lexical.publication.folder == publication.folder:
        return replace(opened, lexical_problem="")
    try:
        lexical = open_publication(version.folder / "lexical", publication, opened.lexical)
    except LexicalDamaged as error:
        return _lexical_failed(opened, version, publication, error)
    return replace(opened, lexical=lexical, lexical_problem="")


def _lexical_failed(
    opened: OpenVersion, version: IndexVersion, publication: Publication, error: LexicalDamaged
) -> OpenVersion:
    """Tell a publication that was replaced while it was being opened from one that is damaged."""
    newest = IndexVersion.objects.get(pk=version.pk)
    newer = Publication.from_json(newest.lexical_files)
    if newer is not None and newer.folder != publication.folder:
        return _with_lexical(opened, newest)
    logger.error("The lexical index of %s cannot be opened: %s", version, error)
    # An empty manifest asks the worker to build it anew; unless somebody has published since.
    IndexVersion.objects.filter(pk=version.pk, lexical_generation=newest.lexical_generation).update(lexical_files={})
    index_damaged.send(sender=IndexVersion, collection_id=version.collection_id)
    return replace(opened, lexical_problem=str(error), retry_at=time.monotonic() + _RETRY_SECONDS)


def _bytes_of(segments: Iterable[Segment]) -> int:
    return sum(segment.size_bytes for segment in segments)
