"""The index versions that this process has open, brought up to date at each query.

One committed row decides what is live: each query reads the version's generation, and when it is newer than
what is open, this module reads what changed, or opens what is new. A version that cannot be opened leaves the
last good one open; a part that cannot is named, so that the other leg answers.
"""

import logging
import threading
import time
from dataclasses import dataclass, replace

from search import registry
from search.engines.base import BadEngineOptions, BadVectors, IndexDamaged, IndexReader
from search.index_state import read_changes, read_state
from search.lexical.tantivy_index import LexicalDamaged, LexicalReader, Publication, open_publication
from search.models import IndexVersion, MissingEmbedding, Segment, index_damaged

logger = logging.getLogger(__name__)

_KEEP_VERSIONS = 2  # of each collection: the live one, and the one before it for queries that began with it
_RETRY_SECONDS = 1.0


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
_locks: dict[int, threading.Lock] = {}
_guard = threading.Lock()


def open_version(version: IndexVersion) -> OpenVersion:
    """Return the version as its row says it is now; `version` must have been read for this query."""
    current = _open.get(version.pk)
    if current is not None and _is_current(current, version):
        return current
    with _guard:
        lock = _locks.setdefault(version.pk, threading.Lock())
    with lock:
        current = _open.get(version.pk)
        if current is None or not _is_current(current, version):
            current = _with_lexical(_with_dense(current or OpenVersion(version), version), version)
            current = replace(current, version=version)
            _remember(current)
    return current


def loaded_versions() -> dict[int, int]:
    """Return version id → generation of what this process has open."""
    return {pk: opened.version.generation for pk, opened in list(_open.items()) if opened.usable}


def close_all() -> None:
    """Forget everything that is open, for tests and before a fork."""
    with _guard:
        _open.clear()
        _locks.clear()


def _is_current(opened: OpenVersion, version: IndexVersion) -> bool:
    if (opened.dense_problem or opened.lexical_problem) and time.monotonic() >= opened.retry_at:
        return False
    seen = opened.version
    return (
        seen.generation >= version.generation
        and seen.lexical_generation >= version.lexical_generation
        and seen.lexical_files == version.lexical_files
    )


def _remember(opened: OpenVersion) -> None:
    with _guard:
        _open.pop(opened.version.pk, None)
        _open[opened.version.pk] = opened
        collection_id = opened.version.collection_id
        same = [pk for pk, other in _open.items() if other.version.collection_id == collection_id]
        for pk in same[:-_KEEP_VERSIONS]:
            del _open[pk]


def _with_dense(opened: OpenVersion, version: IndexVersion) -> OpenVersion:
    """Return `opened` with its dense reader brought to the version's generation."""
    previous = opened.dense
    if previous is not None and previous.generation >= version.generation and not opened.dense_problem:
        return opened
    segments = list(version.segments.all())
    ids = tuple(segment.pk for segment in segments)
    try:
        engine = registry.engine_for(version.engine, version.engine_options)
        if previous is not None and ids == opened.segment_ids and not opened.dense_problem:
            dense = previous.changed(read_changes(version, previous.generation))
        else:
            _refuse_known_damage(segments, opened)
            dense = engine.open(read_state(version), previous)
    except (IndexDamaged, MissingEmbedding, BadVectors, BadEngineOptions, OSError) as error:
        logger.error("The vectors of %s cannot be opened: %s", version, error)
        if isinstance(error, IndexDamaged):
            names = version.segments.filter(path=error.path.name) | version.segments.filter(ids_path=error.path.name)
            if names.exclude(state=Segment.State.DAMAGED).update(state=Segment.State.DAMAGED):
                index_damaged.send(sender=IndexVersion, collection_id=version.collection_id)
        return replace(opened, dense_problem=str(error), retry_at=time.monotonic() + _RETRY_SECONDS)
    return replace(opened, dense=dense, dense_problem="", segment_ids=ids)


def _refuse_known_damage(segments: list[Segment], opened: OpenVersion) -> None:
    """Raise for a segment that was found damaged before, without hashing it again at every query."""
    for segment in segments:
        if segment.state == Segment.State.DAMAGED and segment.pk not in opened.segment_ids:
            raise IndexDamaged(
                f"Index file {segment.path} was found damaged and waits to be restored.",
                segment.version.folder / segment.path,
            )


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
