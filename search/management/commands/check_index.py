"""`manage.py check_index`: proves that database and index agree, or lists where they do not."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.indexing import reconcile
from search.indexing.drift_report import DriftReport
from search.indexing.leases import LeaseBusy
from search.models import Collection


class Command(BaseCommand):
    """Compares every document, chunk, vector, entry and file; exits with 1 when something differs."""

    help = "Compare the database with the index by ids, revisions and hashes; exit 1 on drift."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", default="", help="slug; default: all collections")
        parser.add_argument("--index-version", type=int, help="number; default: the active one and candidates")
        parser.add_argument("--repair", action="store_true", help="mend what can be mended, encoding nothing twice")
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        collections = Collection.objects.order_by("slug")
        if options["collection"]:
            collections = collections.filter(slug=options["collection"])
            if not collections.exists():
                raise CommandError(f"There is no collection {options['collection']!r}.")
        look = reconcile.repair_all if options["repair"] else reconcile.check_all
        try:
            reports = [
                report for collection in collections for report in look(collection, number=options["index_version"])
            ]
        except LeaseBusy as error:
            raise CommandError(f"{error} Wait until the worker is done, or stop it, and run this again.") from error
        except reconcile.NoSuchVersion as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps([report.as_json() for report in reports], indent=2))
        else:
            for report in reports:
                self._write(report)
        if not all(report.clean for report in reports):
            raise SystemExit(1)

    def _write(self, report: DriftReport) -> None:
        state = self.style.SUCCESS("in step") if report.clean else self.style.ERROR("drift")
        version = f"v{report.version}" if report.version else "no active version"
        if report.state not in ("", "active"):
            version += f" ({report.state})"
        self.stdout.write(
            f"{report.collection} {version}: {state}. {report.documents} documents, {report.chunks} chunks, "
            f"{report.pending} pending, {len(report.failed)} failed"
        )
        for name, found in {**report.differences(), "failed": report.failed}.items():
            if found:
                first = ", ".join(str(item) for item in found[:10])
                self.stdout.write(f"  {name.replace('_', ' ')}: {len(found)} ({first}{', …' if found[10:] else ''})")
