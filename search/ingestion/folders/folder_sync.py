"""Mirrors a folder into a collection: what the runner calls around and between the reading of its files.

A file's documents are named by the path at which it was first seen, and keep that name wherever the file moves. What
has not changed in the folder is not touched, so that curators' edits stay; what is gone is deleted only by a job that
mirrors, and only when the folder could be seen as a whole. Reads no file's content but to hash it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from search.conf import conf
from search.ingestion import unpacking
from search.ingestion.folders import folder_scan
from search.ingestion.folders.folder_documents import rows_gone
from search.ingestion.folders.folder_moves import move
from search.ingestion.folders.folder_plan import Known, Plan, free_label, is_suspicious, plan
from search.ingestion.folders.folder_sources import (
    documents_of,
    live,
    recipe,
    root_of,
    sources,
    stale,
    tried,
    waiting,
)
from search.ingestion.job_leases import JobLease
from search.models import (
    Document,
    ImportFailure,
    ImportFile,
    ImportJob,
    SourceDocument,
    SourceFile,
)

_BATCH = 500


class CannotSync(ValueError):
    """The folder cannot be mirrored as it is; the message says why, and what would do."""


def prepare(job: ImportJob) -> None:
    """Compare the folder with what was imported from it; add the files that have to be read. Starts the job.

    Moved files are moved, in short transactions; everything else is one. Interrupted, it is simply done again.
    Raises CannotSync, JobLost.
    """
    root = root_of(job)
    scan = _scanned(job, root)
    _stop_others(job, root)
    known = {source.path: source for source in sources(job)}
    if known and not scan.files and not scan.unlisted and not job.delete_most:
        raise CannotSync(
            _(
                "The folder %(root)s is empty, but %(count)d files were imported from it. If it is a mount, mount it; "
                "if everything is meant to be deleted, allow it to delete most."
            )
            % {"root": root, "count": len(known)}
        )
    found = _hashed(job, root, scan, known)
    present = {*scan.files, *scan.unusable}

    def is_same(path: str, item: Known) -> bool:
        return path in present and found.found.get(path, item.sha256) == item.sha256

    decided = plan(_known(job, known, is_same), found.found, present)
    _Preparation(job, scan, found, known, decided).go()


def file_done(job: ImportJob, file: ImportFile) -> None:
    """Record in the transaction that finishes a file that it was read to its end. An archive waits for `finish`."""
    if file.parent_id is None:
        _settle(job, file)


def file_tried(job: ImportJob, file: ImportFile) -> None:
    """Record in the transaction that gives a file up that it need not be tried again until it changes."""
    source = sources(job).filter(path=file.name).first() if file.parent_id is None else None
    if source is None or (source.read_by or 0) > job.pk:
        return
    seen = folder_scan.look(root_of(job), file.name)
    same = seen is not None and seen.stamp == source.stamp
    if same:
        source.read_with = tried(job)
    if not same or seen is None or job.started_at is None or not seen.is_old(job.started_at.timestamp()):
        source.stamp = ""
    source.save(update_fields=["stamp", "read_with"])


def finish(job: ImportJob) -> None:
    """Settle archives, then delete the documents of what is gone, if the job mirrors. Raises CannotSync, JobLost.

    A dry run counts what would be deleted of the files that it read.
    """
    if job.dry_run:
        if job.mirror:
            _lease(job).write(deleted=F("deleted") + rows_gone(job))
        return
    root = root_of(job)
    if not root.is_dir():
        raise CannotSync(_missing(root))
    for file in job.files.filter(parent=None, status=ImportFile.Status.FINISHED).iterator():
        if unpacking.is_archive(file):
            with transaction.atomic():
                _lease(job).write()
                _settle(job, file)
    if not job.mirror:
        return
    for source in sources(job).filter(gone=True).iterator():
        if folder_scan.look(root, source.path) is not None:  # it has come back
            SourceFile.objects.filter(pk=source.pk).update(gone=False, read_with="")
    while _delete_some(job):
        pass
    with transaction.atomic():
        _lease(job).write()
        sources(job).filter(gone=True, documents=None).delete()


class _Preparation:
    """What `prepare` writes, once everything is decided."""

    def __init__(
        self,
        job: ImportJob,
        scan: folder_scan.Scan,
        found: folder_scan.Hashes,
        known: Mapping[str, SourceFile],
        decided: Plan,
    ) -> None:
        self.job = job
        self.scan = scan
        self.hashes = found.found
        self.known = known
        self.plan = decided
        self.now = time.time()
        self.problems = {**scan.unusable, **found.unreadable, **scan.unlisted}
        self.gone = self._gone()

    def go(self) -> None:
        if not self.job.dry_run:
            move(self.job, self.plan.moved, _lease(self.job))
        counts = documents_of(self.job)
        with transaction.atomic():
            _lease(self.job).write(
                status=ImportJob.Status.RUNNING,
                started_at=timezone.now(),
                files_total=len(self.plan.read) + len(self.problems),
                bytes_total=sum(self.scan.files[path].size for path in self.plan.read),
                failed=len(self.problems),
                files_done=len(self.problems),
                unchanged=sum(counts.get(source.pk, 0) for source in self._unchanged()),
                **self._foreseen(counts),
            )
            if not self.job.dry_run:
                self._remember()
            self._add_files()

    def _gone(self) -> tuple[str, ...]:
        """Return the files that are gone; none of them when too many are, or when something could not be seen."""
        if self.scan.unlisted:
            return ()
        if self.job.mirror and not self.job.delete_most and is_suspicious(len(self.known), len(self.plan.gone)):
            self.problems["."] = _(
                "%(gone)d of the %(known)d files that were imported from this folder are gone. Nothing was deleted: if "
                "a part of it is a mount, mount it; if they are meant to be deleted, allow it to delete most."
            ) % {"gone": len(self.plan.gone), "known": len(self.known)}
            return ()
        return self.plan.gone

    def _unchanged(self) -> list[SourceFile]:
        """Return the files that are as they were, without those that this job has moved before it was interrupted."""
        rows = [self.known[path] for path in self.plan.unchanged]
        return [source for source in rows if source.moved_by != self.job.pk]

    def _foreseen(self, counts: Mapping[int, int]) -> dict[str, int]:
        """Return what a dry run can say of moved and deleted files."""
        if not self.job.dry_run:
            return {}
        moved = sum(counts.get(self.known[move.old].pk, 0) for move in self.plan.moved)
        deleted = sum(counts.get(self.known[path].pk, 0) for path in self.gone) if self.job.mirror else 0
        return {"moved": moved, "deleted": deleted}

    def _remember(self) -> None:
        """Bring the rows of the folder's files to what was found."""
        rows = {source.path: source for source in sources(self.job)}  # moved ones are in their new places
        gone = set(self.gone)
        to_read = set(self.plan.read)
        changed = []
        for path, source in rows.items():
            before = (source.sha256, source.stamp, source.read_with, source.gone)
            source.gone = path in gone
            if path in self.hashes:
                source.sha256, source.stamp = self.hashes[path], self._stamp(path, young_too=path in to_read)
            if path in to_read:
                source.read_with = ""
            if before != (source.sha256, source.stamp, source.read_with, source.gone):
                changed.append(source)
        SourceFile.objects.bulk_update(changed, ["sha256", "stamp", "read_with", "gone"], batch_size=_BATCH)
        labels = {source.label for source in rows.values()}
        new = []
        for path in self.plan.read:
            if path not in rows:
                label = free_label(path, labels)
                labels.add(label)
                new.append(
                    SourceFile(
                        collection_id=self.job.collection_id, root=str(root_of(self.job)), path=path, label=label,
                        sha256=self.hashes[path], stamp=self._stamp(path, young_too=True),
                    )
                )  # fmt: skip
        SourceFile.objects.bulk_create(new, batch_size=_BATCH)

    def _stamp(self, path: str, *, young_too: bool) -> str:
        """Return a file's stamp; that of one that is about to be read is judged when it has been."""
        seen = self.scan.files[path]
        return seen.stamp if young_too or seen.is_old(self.now) else ""

    def _add_files(self) -> None:
        """Replace the job's files with those that have to be read and those that cannot be."""
        self.job.files.all().delete()
        root = root_of(self.job)
        ImportFile.objects.bulk_create(
            (
                ImportFile(
                    job=self.job, name=path, stored_at=str(root / path),
                    size=self.scan.files[path].size, sha256=self.hashes[path],
                )
                for path in self.plan.read
            ),
            batch_size=_BATCH,
        )  # fmt: skip
        failed = ImportFile.objects.bulk_create(
            ImportFile(job=self.job, name=path, status=ImportFile.Status.FAILED, error=reason)
            for path, reason in sorted(self.problems.items())
        )
        ImportFailure.objects.bulk_create(
            ImportFailure(job=self.job, file=file, line=None, external_id=file.name[:500], reason=file.error)
            for file in failed
        )


def _scanned(job: ImportJob, root: Path) -> folder_scan.Scan:
    if not root.is_dir():
        raise CannotSync(_missing(root))
    scan = folder_scan.scan(root)
    if "." in scan.unlisted:
        raise CannotSync(f"{root}: {scan.unlisted['.']}")
    return scan


def _missing(root: Path) -> str:
    return _("There is no folder %(root)s here. Mount or make it, or name another one.") % {"root": root}


def _stop_others(job: ImportJob, root: Path) -> None:
    """Let earlier imports of this folder that are not over end: this one sees all that they would."""
    earlier = ImportJob.objects.unfinished().filter(
        collection=job.collection_id, source=ImportJob.Source.FOLDER, pk__lt=job.pk
    )
    ids = [other.pk for other in earlier if root_of(other) == root]
    ImportJob.objects.filter(pk__in=ids).update(cancel_requested=True)


def _hashed(job: ImportJob, root: Path, scan: folder_scan.Scan, known: Mapping[str, SourceFile]) -> folder_scan.Hashes:
    """Hash the files that may have changed; what has the stamp of the last time is what it was."""
    same = {
        path: known[path].sha256
        for path, seen in scan.files.items()
        if path in known and known[path].stamp == seen.stamp
    }
    result = folder_scan.hashes(root, (scan.files[path] for path in scan.files if path not in same), _beat(job))
    result.found.update(same)
    return result


def _known(job: ImportJob, known: Mapping[str, SourceFile], is_same: Callable[[str, Known], bool]) -> dict[str, Known]:
    """Return what the plan has to know.

    A file has to be read again when a document of it is missing, or when one that another file had before may be its
    own now.
    """
    counts = documents_of(job)
    there = Document.objects.filter(collection=job.collection_id, external_id=OuterRef("external_id"))
    incomplete = set(
        SourceDocument.objects.filter(file__in=sources(job)).exclude(Exists(there)).values_list("file_id", flat=True)
    )
    wanted, failed = recipe(job), tried(job)
    result = {
        path: Known(
            path,
            source.sha256,
            complete=source.pk not in incomplete
            and (source.read_with == failed or (source.read_with == wanted and source.pk in counts)),
        )
        for path, source in known.items()
    }
    for path in waiting(job, {path for path, item in result.items() if item.complete and is_same(path, item)}):
        result[path] = replace(result[path], complete=False)
    return result


def _settle(job: ImportJob, file: ImportFile) -> None:
    """Record that all of a file was read: rows that were not in it any more become stale."""
    source = sources(job).filter(path=file.name).first()
    if source is None or (source.read_by or 0) > job.pk:
        return
    failures = job.failures.filter(Q(file=file) | Q(file__parent=file) | Q(file__parent__parent=file))
    seen = folder_scan.look(root_of(job), file.name)
    if seen is None or seen.stamp != source.stamp:  # it changed while it was read: the next round sees to it
        source.stamp = ""
    else:
        source.read_with = tried(job) if failures.filter(line=None).exists() else recipe(job)
        if not failures.filter(external_id="").exists() and not failures.filter(line=None).exists():
            source.read_by = job.pk
        if job.started_at is None or not seen.is_old(job.started_at.timestamp()):
            source.stamp = ""
    source.save(update_fields=["stamp", "read_with", "read_by"])


def _delete_some(job: ImportJob) -> bool:
    """Delete some documents of what is gone, with their count, in one transaction; return whether there were any."""
    with transaction.atomic():
        _lease(job).write()
        rows = dict(
            SourceDocument.objects.filter(stale(), file__in=sources(job)).values_list("pk", "external_id")[:_BATCH]
        )
        others = SourceDocument.objects.filter(
            file__collection=job.collection_id, external_id__in=rows.values(), refused=False
        )
        kept = set(others.exclude(pk__in=rows).filter(live()).values_list("external_id", flat=True))
        documents = Document.objects.filter(collection=job.collection_id, external_id__in=set(rows.values()) - kept)
        deleted = documents.delete()[1].get("search.Document", 0)
        SourceDocument.objects.filter(pk__in=rows).delete()
        _lease(job).write(deleted=F("deleted") + deleted)
    return bool(rows)


def _lease(job: ImportJob) -> JobLease:
    return JobLease(job.pk, job.token)


def _beat(job: ImportJob) -> Callable[[], None]:
    """Return what keeps the job's lease while much is hashed."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last > conf().LEASE_SECONDS / 4:
            _lease(job).write()
            last = time.monotonic()

    return beat
