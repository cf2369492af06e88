"""`manage.py import_collection`: takes in a collection that export_collection has written. Encodes nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.ingestion import bundles, jobs, runner
from search.models import ImportJob


class Command(BaseCommand):
    """Makes the collection and imports its documents, in this process."""

    help = "Make a collection from a bundle that export_collection has written, and import its documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the bundle")
        parser.add_argument("--slug", default="", help="another slug than the bundle's")

    def handle(self, *args: Any, file: Path, slug: str, **options: Any) -> None:
        try:
            job = bundles.take_in(file, slug=slug)
        except (bundles.BadBundle, jobs.BadImport) as error:
            raise CommandError(str(error)) from error
        self._run(job)
        job.refresh_from_db()
        self.stdout.write(
            f"Collection {job.collection.slug}: {job.created} documents created, {job.updated} updated, "
            f"{job.unchanged} unchanged, {job.failed} failed. The worker indexes them."
        )
        if job.status != ImportJob.Status.FINISHED or job.failed:
            raise CommandError(job.error or f"{job.failed} documents were not imported; import {job.pk} says why.")

    def _run(self, job: ImportJob) -> None:
        with tqdm(desc=job.collection.slug, unit=" docs", disable=None) as bar:

            def show(now: ImportJob) -> None:
                bar.update(now.read - bar.n)

            while runner.run(job.pk, on_batch=show):
                pass
