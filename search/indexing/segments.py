"""Turns the tail into segments, and many segments into one. Vectors come from the database, never from the encoder.

A new file becomes part of the index by the transaction that commits its row; until then nobody reads it, and
after a crash it is an orphan that `remove_orphans` deletes.
"""

import shutil
import time
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F, QuerySet

from search import registry
from search.conf import conf
from search.datatypes import Ids, SegmentFile, Vectors
from search.failpoints import failpoint
from search.index_state import vectors_of
from search.indexing.leases import Lease
from search.models import Chunk, IndexVersion, Segment

_BLOCK_ROWS = 1_000
_ORPHAN_SECONDS = 300
# Removals from the tail that readers can still learn of. One that comes later keeps a dead id for a while, which the
# database check of every hit makes harmless.
_REMEMBERED_GENERATIONS = 1_000


def maintain(version: IndexVersion, lease: Lease) -> None:
    """Seal a tail that has grown long; merge when there are many segments or many dead rows."""
    chunks = Chunk.objects.filter(version=version)
    forgotten = min(version.lexical_generation, version.generation - _REMEMBERED_GENERATIONS)
    chunks.filter(removed_generation__lte=forgotten, segment__isnull=True).delete()
    engine = registry.engine_for(version.engine, version.engine_options)
    if not engine.capabilities.segments:
        return
    settings = conf()
    if chunks.tail().count() >= settings.TAIL_MAX_ROWS:
        seal(version, lease)
    rows = sum(version.segments.values_list("rows", flat=True))
    dead = chunks.dead().count()
    if dead > max(rows * settings.MAX_DEAD_SHARE, 1_000):
        merge(version, lease)
    elif version.segments.count() > settings.MAX_SEGMENTS:
        smallest = version.segments.order_by("rows", "pk")[: settings.MAX_SEGMENTS // 2 + 1]
        merge(version, lease, chosen=list(smallest))


def seal(version: IndexVersion, lease: Lease) -> None:
    """Move the tail into a new segment."""
    tail = Chunk.objects.filter(version=version).tail()
    file = _write(version, tail, lease)
    if file is not None:
        _commit(version, lease, file, tail, replaced=None)


def merge(version: IndexVersion, lease: Lease, *, chosen: list[Segment] | None = None) -> None:
    """Move the live vectors of the chosen segments into one new segment, leaving the dead ones behind.

    Without a choice all segments and the tail are merged. Merging the smallest first keeps the cost of a growing
    index proportional to n log n.
    """
    engine = registry.engine_for(version.engine, version.engine_options)
    chunks = Chunk.objects.filter(version=version)
    whole = version.segments.count() <= 1 and not chunks.dead().exists() and not chunks.tail().exists()
    if not engine.capabilities.segments or whole:
        return
    live = chunks.live() if chosen is None else chunks.live().filter(segment__in=chosen)
    replaced = list(version.segments.all()) if chosen is None else chosen
    file = _write(version, live, lease)
    _commit(version, lease, file, live, replaced=replaced)


def restore(segment: Segment, lease: Lease) -> None:
    """Write a damaged or missing segment again from the database's vectors."""
    version = segment.version
    file = _write(version, Chunk.objects.filter(segment=segment), lease)
    with transaction.atomic():
        lease.renew()
        if file is None:
            segment.delete()
        else:
            Segment.objects.filter(pk=segment.pk).update(state=Segment.State.LIVE, **_row(file))
        _next_generation(version)


def remove_orphans(version: IndexVersion) -> None:
    """Delete segment files that no row names any more, once nobody can still be opening them."""
    folder = version.folder / "segments"
    if not folder.is_dir():
        return
    named = {name for row in version.segments.values_list("path", "ids_path") for name in row}
    for path in folder.iterdir():
        if path.name not in named and time.time() - path.stat().st_mtime > _ORPHAN_SECONDS:
            path.unlink(missing_ok=True)


def remove_files_of_deleted_versions() -> None:
    """Delete the folders of versions that have no row any more."""
    root = conf().index_dir
    if not root.is_dir():
        return
    kept = {f"version-{pk}" for pk in IndexVersion.objects.values_list("pk", flat=True)}
    for folder in root.glob("version-*"):
        if folder.name not in kept and time.time() - folder.stat().st_mtime > _ORPHAN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _write(version: IndexVersion, chunks: "QuerySet[Chunk]", lease: Lease) -> SegmentFile | None:
    if not chunks.exists():
        return None
    engine = registry.engine_for(version.engine, version.engine_options)
    return engine.seal(_blocks(version, chunks, lease), version.dimension, version.folder / "segments")


def _blocks(version: IndexVersion, chunks: "QuerySet[Chunk]", lease: Lease) -> Iterator[tuple[Ids, Vectors]]:
    after = 0
    while rows := list(chunks.filter(pk__gt=after).order_by("pk").values_list("pk", "text_hash")[:_BLOCK_ROWS]):
        lease.renew()
        yield vectors_of(version, rows)
        after = rows[-1][0]


def _commit(
    version: IndexVersion,
    lease: Lease,
    file: SegmentFile | None,
    chunks: "QuerySet[Chunk]",
    *,
    replaced: list[Segment] | None,
) -> None:
    failpoint("seal.before_commit")
    with transaction.atomic():
        lease.renew()
        old = [segment.pk for segment in replaced or []]
        segment = None
        if file is not None:
            segment, _ = Segment.objects.update_or_create(
                version=version, sha256=file.sha256, defaults={"state": Segment.State.LIVE, **_row(file)}
            )
            chunks.update(segment=segment)
        # A row is the only record of a removal until the lexical index has followed it too.
        gone = Chunk.objects.filter(version=version, removed_generation__lte=version.lexical_generation)
        gone.filter(segment__isnull=True).delete()
        if old:
            gone.filter(segment__in=old).delete()
            Segment.objects.filter(pk__in=old).exclude(pk=segment.pk if segment else 0).delete()
        _next_generation(version)
    failpoint("seal.committed")


def _row(file: SegmentFile) -> dict[str, str | int]:
    return {
        "sha256": file.sha256,
        "ids_sha256": file.ids_sha256,
        "path": file.path.name,
        "ids_path": file.ids_path.name,
        "rows": file.rows,
        "size_bytes": file.size_bytes,
    }


def _next_generation(version: IndexVersion) -> None:
    """Announce a change of segments; the lexical index, which has none, keeps pace if it was up to date."""
    rows = IndexVersion.objects.filter(pk=version.pk)
    rows.filter(lexical_generation=F("generation")).update(
        generation=F("generation") + 1, lexical_generation=F("generation") + 1
    ) or rows.update(generation=F("generation") + 1)
    version.refresh_from_db(fields=["generation", "lexical_generation"])
