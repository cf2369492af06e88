"""Turns the tail into segments and several segments into one, in short steps between saved documents.

A job works on a snapshot: the chunks of an interval of ids that were live when it began. What is added meanwhile
has a higher id and stays in the tail; what is removed meanwhile is masked, as in any segment. A new file becomes
part of the index by the transaction that commits its row; until then nobody reads it. A killed job begins again,
from its engine's checkpoint if there is one. Vectors come from the database, never from the encoder.
"""

import os
import shutil
import time
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta

import numpy as np
import psutil
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from search import registry
from search.conf import conf
from search.datatypes import BuildStep, Ids, SegmentFile
from search.engines.base import UNFINISHED
from search.failpoints import failpoint
from search.index_state import StoredVectors
from search.indexing.leases import Lease
from search.indexing.logged_queries import logged_query_vectors
from search.indexing.plan import SegmentSize, choose_merge, is_compact
from search.models import Chunk, IndexVersion, Segment

_ORPHAN_SECONDS = 300
_UNFINISHED_SECONDS = 86_400
_DELETED_ROWS = 2_000
_MEASURED_ROWS = 10_000  # smaller segments are not worth encoding logged queries for
# Removals from the tail that readers can still learn of. One that comes later keeps a dead id for a while, which the
# database check of every hit makes harmless.
_REMEMBERED_GENERATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """What a job is to write: the live chunks with these ids, in place of these segments."""

    first_id: int
    last_id: int
    replaced: tuple[int, ...]
    step: str


@dataclass(slots=True)
class Job:
    """A build in progress. It lives in the worker's memory; the database knows nothing of it until it commits."""

    interval: Interval
    generation: int
    steps: Generator[BuildStep, None, SegmentFile] | None
    seconds: float = 0.0
    start_memory: int = 0
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class DeadRows:
    """How many dead rows each segment had when they were counted, and how many chunks had been removed by then."""

    removed: int
    of_segment: dict[int, int]


_jobs: dict[int, Job] = {}
_dead_rows: dict[int, DeadRows] = {}


def step(version: IndexVersion, lease: Lease, *, urgent_only: bool = False) -> bool:
    """Do one short step of what is due: sealing, merging, writing a damaged segment again. False when nothing is.

    With `urgent_only`, merges wait for a quieter moment unless they have become too many.
    """
    interval = _current(version) or due(version)
    if interval is None or (urgent_only and interval.step == "merging" and not _overdue(version)):
        return False
    _work(version, lease, interval)
    return True


def compact_step(version: IndexVersion, lease: Lease) -> bool:
    """Do one short step towards one segment for (nearly) everything. False when that is reached."""
    interval = _current(version) or _everything(version)
    if interval is None:
        return False
    _work(version, lease, interval)
    return True


def run(version: IndexVersion, lease: Lease, *, everything: bool = False) -> None:
    """Do every step that is due, for callers who have the time."""
    while compact_step(version, lease) if everything else step(version, lease):
        version.refresh_from_db()


def seal(version: IndexVersion, lease: Lease) -> None:
    """Move the tail into a new segment, in one go."""
    interval = _tail_interval(version)
    while interval is not None and (version.pk in _jobs or _tail_interval(version) == interval):
        _work(version, lease, interval)
        version.refresh_from_db()


def rewrite(version: IndexVersion, lease: Lease, first_id: int, last_id: int) -> None:
    """Write everything from one id to another anew, in place of the segments that reach into there, in one go."""
    inside = list(version.segments.filter(last_id__gte=first_id, first_id__lte=last_id))
    first = min([first_id, *(segment.first_id for segment in inside)])
    last = max([last_id, *(segment.last_id for segment in inside)])
    interval = Interval(first, last, tuple(segment.pk for segment in inside), "restoring")
    _forget(version.pk)
    _work(version, lease, interval)
    while version.pk in _jobs:
        _work(version, lease, interval)


def due(version: IndexVersion) -> Interval | None:
    """Return what should be written next, or None."""
    if not registry.engine_for(version.engine, version.engine_options).capabilities.segments:
        return None
    segments = list(version.segments.all())
    if damaged := _damaged(segments):
        return damaged
    if _tail_is_due(version):
        return _tail_interval(version)
    settings = conf()
    chosen = choose_merge(
        _sizes(version, segments), base=settings.TAIL_MAX_ROWS, fanout=settings.MERGE_FANOUT,
        dead_share=settings.MAX_DEAD_SHARE,
    )  # fmt: skip
    if chosen is None:
        return None
    run_of = segments[chosen[0] : chosen[1]]
    return Interval(run_of[0].first_id, run_of[-1].last_id, tuple(s.pk for s in run_of), "merging")


def drop_jobs(versions: Iterable[int]) -> None:
    """Forget unfinished work on versions that have left service."""
    for pk in versions:
        _forget(pk)
        _dead_rows.pop(pk, None)


def forget_removed_tail(version: IndexVersion) -> None:
    """Delete rows of chunks that came and went without ever entering a segment, once readers have had their time."""
    if version.pk in _jobs:  # its snapshot may hold them
        return
    forgotten = min(version.lexical_generation, version.generation - _REMEMBERED_GENERATIONS)
    gone = Chunk.objects.filter(version=version, pk__gt=version.sealed_to, removed_generation__lte=forgotten)
    gone.delete()


def remove_orphans(version: IndexVersion) -> None:
    """Delete segment files that no row names any more, once nobody can still be opening them."""
    folder = version.folder / "segments"
    if not folder.is_dir() or version.pk in _jobs:
        return
    named = {name for row in version.segments.values_list("path", "ids_path") for name in row}
    for path in folder.iterdir():
        kept = _UNFINISHED_SECONDS if path.name.startswith(UNFINISHED) else _ORPHAN_SECONDS
        if path.name not in named and time.time() - path.stat().st_mtime > kept:
            path.unlink(missing_ok=True)


def remove_files_of_deleted_versions() -> None:
    """Delete the folders of versions that have no row any more."""
    root = conf().index_dir
    if not root.is_dir():
        return
    kept = {f"version-{pk}" for pk in IndexVersion.objects.filter(pruned_at=None).values_list("pk", flat=True)}
    for folder in root.glob("version-*"):
        if folder.name not in kept and time.time() - folder.stat().st_mtime > _ORPHAN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _sizes(version: IndexVersion, segments: list[Segment]) -> list[SegmentSize]:
    """Return rows and dead rows of each segment; dead ones are counted only when there are enough to matter."""
    total = sum(segment.rows for segment in segments)
    if version.removed_chunks <= total * conf().MAX_DEAD_SHARE / 4:
        return [SegmentSize(segment.rows) for segment in segments]
    seen = _dead_rows.get(version.pk)
    pks = {segment.pk for segment in segments}
    # Counting takes as long as there are dead rows, so not at each save: when another hundredth of all has left.
    if seen is None or seen.of_segment.keys() != pks or not 0 <= version.removed_chunks - seen.removed <= total // 100:
        dead = Chunk.objects.dead(version)
        counts = {s.pk: dead.filter(pk__range=(s.first_id, s.last_id)).count() for s in segments}
        seen = _dead_rows[version.pk] = DeadRows(version.removed_chunks, counts)
    return [SegmentSize(segment.rows, seen.of_segment[segment.pk]) for segment in segments]


def _tail_is_due(version: IndexVersion) -> bool:
    settings = conf()
    tail = Chunk.objects.tail(version)
    if tail[: settings.TAIL_MAX_ROWS].count() >= settings.TAIL_MAX_ROWS:
        return True
    since = version.sealed_at or version.created_at
    return timezone.now() - since > timedelta(seconds=settings.TAIL_MAX_SECONDS) and tail.exists()


def _tail_interval(version: IndexVersion) -> Interval | None:
    newest = Chunk.objects.tail(version).order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return None
    inside = list(version.segments.filter(last_id__gt=version.sealed_to))  # only if somebody changed `sealed_to`
    first = min([version.sealed_to + 1, *(segment.first_id for segment in inside)])
    return Interval(first, newest, tuple(segment.pk for segment in inside), "sealing")


def _everything(version: IndexVersion) -> Interval | None:
    if not registry.engine_for(version.engine, version.engine_options).capabilities.segments:
        return None
    segments = list(version.segments.all())
    if damaged := _damaged(segments):
        return damaged
    tail = _tail_interval(version)
    tail_rows = Chunk.objects.tail(version).count() if tail else 0
    if is_compact(_sizes(version, segments), tail_rows, dead_share=conf().MAX_DEAD_SHARE):
        return None
    first = segments[0].first_id if segments else version.sealed_to + 1
    last = tail.last_id if tail else segments[-1].last_id
    return Interval(first, last, tuple(segment.pk for segment in segments), "compacting")


def _damaged(segments: list[Segment]) -> Interval | None:
    damaged = next((segment for segment in segments if segment.state == Segment.State.DAMAGED), None)
    if damaged is None:
        return None
    return Interval(damaged.first_id, damaged.last_id, (damaged.pk,), "restoring")


def _overdue(version: IndexVersion) -> bool:
    return version.segments.count() > 4 * conf().MERGE_FANOUT


def _current(version: IndexVersion) -> Interval | None:
    """Return the interval of the unfinished job, unless its segments have changed under it."""
    job = _jobs.get(version.pk)
    if job is None:
        return None
    inside = version.segments.filter(last_id__gte=job.interval.first_id, first_id__lte=job.interval.last_id)
    if set(inside.values_list("pk", flat=True)) == set(job.interval.replaced):
        return job.interval
    _forget(version.pk)
    return None


def _work(version: IndexVersion, lease: Lease, interval: Interval) -> None:
    """Do one step of the interval's job, beginning or committing it where that is next."""
    job = _jobs.get(version.pk) or _begin(version, interval)
    _jobs[version.pk] = job
    lease.renew()
    started = time.perf_counter()
    try:
        progress = next(job.steps) if job.steps is not None else None
    except StopIteration as finished:
        progress, file = None, finished.value
    except BaseException:
        _forget(version.pk)
        raise
    else:
        file = None
    job.seconds += time.perf_counter() - started
    job.peak_memory = max(job.peak_memory, psutil.Process().memory_info().rss)
    if progress is not None:
        _note_progress(version, interval.step, progress)
        return
    _forget(version.pk)
    _commit(version, lease, job, file)


def _begin(version: IndexVersion, interval: Interval) -> Job:
    rows = Chunk.objects.filter(version=version, pk__range=(interval.first_id, interval.last_id)).live()
    ids: Ids = np.fromiter(rows.order_by("pk").values_list("pk", flat=True).iterator(10_000), np.int64)
    engine = registry.engine_for(version.engine, version.engine_options)
    steps = None
    if len(ids):
        folder = version.folder / "segments"
        queries = logged_query_vectors(version) if len(ids) >= _MEASURED_ROWS else None
        steps = engine.build(StoredVectors(version, ids), version.dimension, folder, queries=queries)
    memory = psutil.Process().memory_info().rss
    return Job(interval, version.generation, steps, start_memory=memory, peak_memory=memory)


def _forget(version_pk: int) -> None:
    job = _jobs.pop(version_pk, None)
    if job is not None and job.steps is not None:
        job.steps.close()


def _note_progress(version: IndexVersion, name: str, progress: BuildStep) -> None:
    version.note_step(f"{name}: {progress.phase}", progress.done, progress.total)


def _commit(version: IndexVersion, lease: Lease, job: Job, file: SegmentFile | None) -> None:
    """Put the new segment in the place of the old ones, in one transaction; then clear away what it left behind."""
    interval = job.interval
    failpoint("seal.before_commit")
    with transaction.atomic():
        lease.renew()
        old = version.segments.filter(pk__in=interval.replaced)
        files = [version.folder / "segments" / name for row in old.values_list("path", "ids_path") for name in row]
        old.delete()
        if file is not None:
            row = Segment(version=version, first_id=interval.first_id, last_id=interval.last_id)
            row.generation = job.generation
            for name, value in _columns(file).items():
                setattr(row, name, value)
            row.save(force_insert=True)
        rows = IndexVersion.objects.filter(pk=version.pk)
        rows.filter(sealed_to__lt=interval.last_id).update(sealed_to=interval.last_id, sealed_at=timezone.now())
        used = max(0, job.peak_memory - job.start_memory) / 2**20
        rows.update(
            step="", step_done=0, step_total=0, step_since=None,
            build_seconds=(version.build_seconds or 0.0) + job.seconds,
            peak_memory_mb=max(version.peak_memory_mb or 0.0, used),
        )  # fmt: skip
        next_generation(version)
    failpoint("seal.committed")
    for path in files:  # their time as orphans begins now
        if path.exists():
            os.utime(path)
    _delete_dead_rows(version, job, lease)
    version.refresh_from_db()


def _delete_dead_rows(version: IndexVersion, job: Job, lease: Lease) -> None:
    """Delete removed chunks that the new segment does not hold. Whatever a crash leaves of them is masked anyway."""
    # A row is the only record of a removal until the lexical index has followed it too.
    known = min(job.generation, version.lexical_generation)
    inside = Chunk.objects.filter(version=version, pk__range=(job.interval.first_id, job.interval.last_id))
    gone = inside.filter(removed_generation__lte=known)
    while batch := list(gone.values_list("pk", flat=True)[:_DELETED_ROWS]):
        lease.renew()
        for at in range(0, len(batch), 500):
            Chunk.objects.filter(pk__in=batch[at : at + 500]).delete()
    IndexVersion.objects.filter(pk=version.pk).update(removed_chunks=Chunk.objects.dead(version).count())


def _columns(file: SegmentFile) -> dict[str, object]:
    measured = file.measured
    return {
        "sha256": file.sha256,
        "ids_sha256": file.ids_sha256,
        "path": file.path.name,
        "ids_path": file.ids_path.name,
        "rows": file.rows,
        "size_bytes": file.size_bytes,
        "index_type": file.index_type,
        "parameters": dict(file.parameters),
        "measured": asdict(measured) if measured is not None else {},
    }


def next_generation(version: IndexVersion) -> None:
    """Announce a change of segments; the lexical index, which has none, keeps pace if it was up to date."""
    rows = IndexVersion.objects.filter(pk=version.pk)
    rows.filter(lexical_generation=F("generation")).update(
        generation=F("generation") + 1, lexical_generation=F("generation") + 1
    ) or rows.update(generation=F("generation") + 1)
    version.refresh_from_db()
