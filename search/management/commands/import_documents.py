"""`manage.py import_documents PATH`: imports a file, an archive or a folder in this process. Encodes nothing.

The import is a row like any other: it shows in the admin, and whatever ends this process, the worker goes on with it.
"""

import json
import math
import sys
import threading
import time
from argparse import ArgumentTypeError, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import slug_re
from django.db import close_old_connections, transaction
from django.utils import timezone
from tqdm import tqdm

from search.conf import conf
from search.indexing import applier
from search.indexing.progress import collection_progress
from search.ingestion import jobs, leaving_out, runner
from search.ingestion.folders import folder_watch
from search.ingestion.jobs import BadImport, ImportOptions
from search.models import Collection, ImportFailure, ImportJob

_SHOWN_FAILURES = 10
_LISTED_FAILURES = 1_000  # as JSON
_SLUG_CHARS = 80
_INTERRUPTED = 130  # as a shell has it


class Command(BaseCommand):
    """Starts an import, or takes one up again, and stays until it is over."""

    help = (
        "Import a file, an archive (ZIP, TAR) or a folder. A folder is mirrored: what is new, changed, moved or gone "
        "there is so in the collection, too. Ends with 1 when something did not get in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, help="a file, an archive or a folder")
        parser.add_argument("--collection", default="", metavar="SLUG", help="needed where there are several")
        parser.add_argument("--create", action="store_true", help="make the collection if there is none")
        parser.add_argument(
            "--mapping", action="append", type=_pair, default=[], metavar="COLUMN=FIELD",
            help="what a column is: title, body, url, metadata.<name>, … (nothing: left out); can be repeated",
        )  # fmt: skip
        parser.add_argument("--key-column", default="", metavar="COLUMN", help="the column that identifies a row")
        parser.add_argument(
            "--default", action="append", type=_pair, default=[], metavar="FIELD=VALUE",
            help="of documents whose rows say nothing: state, visibility, language, groups (a,b); can be repeated",
        )  # fmt: skip
        parser.add_argument("--duplicates", default=ImportJob.Duplicates.KEEP, choices=ImportJob.Duplicates.values)
        parser.add_argument(
            "--encoding", default="", metavar="NAME",
            help="of texts that do not declare theirs, such as windows-1252; by default it is found out",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="count what would happen; write no document")
        parser.add_argument(
            "--mirror", action=BooleanOptionalAction, default=True, help="delete what is gone from a folder"
        )
        parser.add_argument(
            "--delete-most", action="store_true", help="also when more than half of a folder's files are gone"
        )
        parser.add_argument("--watch", action="store_true", help="stay, and import whatever changes in the folder")
        parser.add_argument("--wait", action="store_true", help="stay until everything can be found")
        parser.add_argument("--json", action="store_true", help="print what became of it as JSON")
        parser.add_argument("--resume", type=int, metavar="IMPORT", help="go on with this import, by its number")
        parser.add_argument("--cancel", type=int, metavar="IMPORT", help="stop this import for good")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except BadImport as error:
            raise CommandError(str(error)) from error

    def _handle(self, options: dict[str, Any]) -> None:
        if sum(options[name] is not None for name in ("path", "resume", "cancel")) != 1:
            raise CommandError("Give one of: a path, --resume IMPORT, --cancel IMPORT.")
        if options["cancel"] is not None:
            jobs.cancel(_job(options["cancel"]))
            self.stdout.write(f"Import {options['cancel']} stops after its present rows; what is in stays in.")
        elif options["watch"]:
            self._watch(options)
        elif options["resume"] is not None:
            self._finish(_resumed(options["resume"]), options)
        else:
            job = _created(options)
            try:
                _start(job, dry_run=options["dry_run"])
                self._finish(job, options)
            finally:
                if job.made_collection and job.dry_run and job.is_over:
                    jobs.discard(job)

    def _finish(self, job: ImportJob, options: dict[str, Any]) -> None:
        """Run an import to its end, say what became of it, and end with 1 when something failed."""
        try:
            self._run(job)
            self._report(job, as_json=options["json"])
            if options["wait"] and not job.dry_run:
                self._wait(job.collection)
        except KeyboardInterrupt:
            self.stderr.write(_interrupted(job))
            sys.exit(_INTERRUPTED)
        if job.status == ImportJob.Status.FAILED:
            raise CommandError(
                f"{job.error} Once that is mended, go on: manage.py import_documents --resume {job.pk}, or begin anew "
                "with the same command: what is in is left as it is."
            )
        if job.failed or job.status == ImportJob.Status.CANCELLED:
            sys.exit(1)

    def _run(self, job: ImportJob) -> None:
        """Work until the import is over. Where another process is at it, show how far that is."""
        with tqdm(unit="B", unit_scale=True, unit_divisor=1024, disable=None) as bar:
            while not job.is_over:
                runner.run(job.pk, budget_seconds=math.inf, on_batch=lambda now: _show(bar, now))
                job.refresh_from_db()
                _show(bar, job)
                if not job.is_over:
                    time.sleep(0.5)

    def _watch(self, options: dict[str, Any]) -> None:
        path = options["path"]
        if path is None or not path.is_dir() or options["dry_run"]:
            raise CommandError(f"--watch needs a folder, and no --dry-run; {path} is none.")
        stop = threading.Event()
        self.stderr.write(f"Watching {path}. Stop with Ctrl-C.")
        try:
            for _burst in folder_watch.bursts(path, stop=stop):
                close_old_connections()
                self._round(options)
        except KeyboardInterrupt:
            stop.set()
            self.stderr.write("Stopped.")

    def _round(self, options: dict[str, Any]) -> None:
        """Import what has changed in the folder; a round in which nothing had leaves no trace."""
        job = _created(options)
        _start(job)
        self._run(job)
        if job.status == ImportJob.Status.FINISHED and not any({**job.counts, "unchanged": 0, "left_out": 0}.values()):
            job.delete()
            return
        self._report(job, as_json=options["json"])
        if job.error:
            self.stderr.write(self.style.ERROR(job.error))

    def _report(self, job: ImportJob, *, as_json: bool) -> None:
        most = _LISTED_FAILURES if as_json else _SHOWN_FAILURES
        failures = list(job.failures.select_related("file")[:most])
        if as_json:
            self.stdout.write(json.dumps(_facts(job, failures), ensure_ascii=False))
            return
        self.stdout.write(_summary(job))
        if left_out := leaving_out.line(job):
            self.stdout.write(left_out)
        for failure in failures:
            self.stderr.write(self.style.ERROR(f"  {_place(failure)}: {failure.reason}"))
        if job.failures.count() > len(failures):
            self.stderr.write(f"  and {job.failures.count() - len(failures):,} more.")
        if not job.dry_run and job.failures.filter(line=None).exists():
            self.stderr.write("Mend the files that could not be read, and import them again.")
        if not job.dry_run and job.failures.exclude(line=None).exists():
            self.stderr.write(
                f"Mend the lines in the admin (import {job.pk}), or download them from "
                f"/api/v1/import-jobs/{job.pk}/failures.jsonl, mend them and import that file."
            )

    def _wait(self, collection: Collection) -> None:
        """Index, together with a worker if there is one, until nothing is pending."""
        with tqdm(desc="indexing", unit=" docs", disable=None) as bar:
            while not (progress := collection_progress(collection)).up_to_date:
                if progress.last_error:
                    raise CommandError(f"{collection.slug} cannot be indexed: {progress.last_error}")
                bar.total = progress.documents
                bar.update(progress.indexed - bar.n)
                applier.drain_wait(collection.pk, budget_seconds=2)
        self.stdout.write(
            f"{progress.indexed:,} documents of {collection.slug} can be found, {progress.failed} failed."
        )


def _created(options: dict[str, Any]) -> ImportJob:
    """Return a draft of what is asked for. Raises CommandError, BadImport."""
    path: Path = options["path"]
    if not path.is_dir() and not path.is_file():
        raise CommandError(f"There is no file or folder {path}.")
    how = ImportOptions(
        dict(options["mapping"]), options["key_column"], _defaults(options["default"]), options["duplicates"],
        encoding=options["encoding"],
        mirror=options["mirror"] and path.is_dir(), delete_most=options["delete_most"],
    )  # fmt: skip
    collection = _collection(options["collection"], create=options["create"])
    made = collection._state.adding
    if path.is_dir():
        folder = str(path.resolve())
        with transaction.atomic():
            _save_new(collection)
            return jobs.create(
                collection, source=ImportJob.Source.FOLDER, name=folder, folder=folder, options=how,
                made_collection=made,
            )  # fmt: skip
    with transaction.atomic():
        _save_new(collection)
        job = jobs.create(collection, source=ImportJob.Source.UPLOAD, name=path.name, options=how, made_collection=made)
    try:
        with path.open("rb") as handle:
            jobs.add_file(job, path.name, iter(lambda: handle.read(1 << 20), b""))
    except BaseException as error:
        jobs.give_up(job)
        raise (CommandError(f"{path} cannot be read: {error}") if isinstance(error, OSError) else error) from None
    return job


def _save_new(collection: Collection) -> None:
    if collection._state.adding:
        collection.save()


def _start(job: ImportJob, *, dry_run: bool = False) -> None:
    """Start a draft; one that cannot be leaves nothing behind. Raises BadImport."""
    try:
        jobs.start(job, dry_run=dry_run)
    except BadImport:
        jobs.give_up(job)
        raise


def _resumed(number: int) -> ImportJob:
    """Return an unfinished import; one that waits for somebody to start it is started."""
    job = _job(number)
    if job.status == ImportJob.Status.DRAFT or (job.dry_run and job.is_over):
        jobs.start(job)
    elif job.status == ImportJob.Status.FAILED:
        jobs.resume(job)
    elif job.is_over:
        raise CommandError(f"Import {number} is over ({job.get_status_display().lower()}). Start another one.")
    return job


def _job(number: int) -> ImportJob:
    job = ImportJob.objects.select_related("collection").filter(pk=number).first()
    if job is None:
        raise CommandError(f"There is no import {number}.")
    return job


def _collection(slug: str, *, create: bool) -> Collection:
    slug = slug or conf().DEFAULT_COLLECTION
    known = list(Collection.objects.order_by("slug"))
    found = [collection for collection in known if collection.slug == slug or not slug]
    if len(found) == 1:
        return found[0]
    if slug and create:
        if not slug_re.fullmatch(slug) or len(slug) > _SLUG_CHARS:
            raise CommandError(f"{slug!r} is not a slug: letters, digits, hyphens and underscores, at most 80.")
        return Collection(slug=slug, name=slug)  # saved with the import that it is made for
    names = ", ".join(collection.slug for collection in known) or "none"
    if slug:
        raise CommandError(f"There is no collection {slug!r}; there are: {names}. --create makes it.")
    raise CommandError(f"Name the collection with --collection; there are: {names}. With --create it is made.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is no pair such as Titel=title.")
    return name, value


def _defaults(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        name: [part.strip() for part in value.split(",") if part.strip()] if name == "groups" else value
        for name, value in pairs
    }


def _show(bar: "tqdm[Any]", job: ImportJob) -> None:
    if bar.disable:  # without a terminal there is nobody to show it to
        return
    bar.total = job.bytes_total or None
    bar.set_description(job.current_file[-40:] or job.get_status_display(), refresh=False)
    files = f"{job.files_done:,} of {job.files_total:,} files"
    bar.set_postfix_str(f"{files}, {job.read:,} rows read, {job.failed:,} failed", refresh=False)
    bar.update(job.bytes_done - bar.n)


def _summary(job: ImportJob) -> str:
    counts = ", ".join(f"{job.counts[name]:,} {name}" for name in ("created", "updated", "unchanged", "failed"))
    rare = "".join(f", {job.counts[name]:,} {name}" for name in ("duplicates", "moved", "deleted") if job.counts[name])
    said = f"Import {job.pk} into {job.collection.slug}: {job.read:,} read, {counts}{rare}"
    if job.dry_run:
        do_it = f"manage.py import_documents --resume {job.pk}"
        if job.made_collection:
            do_it = "the same command without --dry-run"
        return (
            f"{said}. That was a dry run, nothing was written: these are the counts that it would have. Do it: {do_it}"
        )
    if job.status == ImportJob.Status.CANCELLED:
        return f"{said}. It was cancelled; what is in stays in."
    next_step = " The worker indexes what is new." if job.counts["created"] or job.counts["updated"] else ""
    return f"{said} in {_seconds(job):.0f} s.{next_step}"


def _facts(job: ImportJob, failures: list[ImportFailure]) -> dict[str, Any]:
    return {
        "import": job.pk, "collection": job.collection.slug, "status": job.status, "dry_run": job.dry_run,
        "counts": job.counts, "left_out": leaving_out.kinds(job),
        "seconds": round(_seconds(job), 1), "error": job.error,
        "failures": [
            {"file": item.file.name, "line": item.line, "external_id": item.external_id, "reason": item.reason}
            for item in failures
        ],
        "more_failures": max(0, job.failures.count() - len(failures)),
        "all_failures": f"/api/v1/import-jobs/{job.pk}/failures.jsonl" if failures else "",
    }  # fmt: skip


def _seconds(job: ImportJob) -> float:
    now = timezone.now()
    return max(0.0, ((job.finished_at or now) - (job.started_at or now)).total_seconds())


def _place(failure: ImportFailure) -> str:
    return f"{failure.file.name}, {failure.where}" if failure.where else failure.file.name


def _interrupted(job: ImportJob) -> str:
    job.refresh_from_db()
    return (
        f"Interrupted after {job.read:,} rows; they are in. A worker goes on with import {job.pk} by itself. "
        f"Here: manage.py import_documents --resume {job.pk}. To stop it for good: --cancel {job.pk}."
    )
