"""`manage.py build_index`: builds a new version of a collection's index beside the live one, here and now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from search.indexing import applier, requests
from search.indexing.gate import report_of
from search.indexing.version_progress import version_progress
from search.models import Collection, IndexVersion


class Command(BaseCommand):
    """Builds in this process, step by step; a worker that runs beside it helps and does no harm."""

    help = "Build a new index version beside the live one; it goes live once it has passed its checks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", default="", help="slug; default: all collections")
        parser.add_argument(
            "--no-activate", action="store_true", help="leave it ready, for somebody to compare and activate"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        collections = Collection.objects.order_by("slug")
        if options["collection"]:
            collections = collections.filter(slug=options["collection"])
        if not collections.exists():
            raise CommandError(f"There is no collection {options['collection']!r}.".replace(" ''", " yet"))
        for collection in collections:
            version = self._build(collection, activate=not options["no_activate"])
            self._report(version)

    def _build(self, collection: Collection, *, activate: bool) -> IndexVersion:
        """Build until nothing is left to do for the new version, showing how far it is."""
        before = collection.index_versions.order_by("number").last()
        requests.request_rebuild(collection, activate_when_ready=activate)
        with tqdm(desc=collection.slug, unit="", disable=None) as bar:
            while True:
                applier.drain_wait(collection.pk, budget_seconds=2)
                collection.refresh_from_db()
                version = collection.index_versions.order_by("number").last()
                if version is None or version == before:
                    if collection.last_error:
                        raise CommandError(f"{collection.slug}: {collection.last_error}")
                    continue
                if _settled(version):
                    return version
                if version.last_error and version.state == IndexVersion.State.BUILDING:
                    raise CommandError(f"{collection.slug}: {version.last_error}")
                _show(bar, version)

    def _report(self, version: IndexVersion) -> None:
        self.stdout.write(
            f"{version}: {version.get_state_display().lower()}, {version.documents} documents, "
            f"{version.chunks} chunks, {version.encoded_chunks} encoded"
        )
        if version.recall is not None:
            self.stdout.write(f"recall@10 {version.recall:.4f}, median {version.median_us or 0:.0f} µs a query")
        report = report_of(version)
        if version.state in (IndexVersion.State.RETIRED, IndexVersion.State.FAILED):
            raise CommandError(f"{version} was given up: {version.last_error or 'another took its place.'}")
        if version.state == IndexVersion.State.READY and report is not None and not report.passed:
            raise CommandError(f"{version} may not go live: {' '.join(report.refusals)}")


def _settled(version: IndexVersion) -> bool:
    """Tell whether nothing more will happen to a version by itself."""
    if version.state == IndexVersion.State.READY:
        report = report_of(version)
        return report is not None and not (report.passed and version.activate_when_ready)
    if version.state == IndexVersion.State.ACTIVE:
        return not version_progress(version).moving
    return version.state != IndexVersion.State.BUILDING


def _show(bar: "tqdm[Any]", version: IndexVersion) -> None:
    if bar.disable:  # without a terminal there is nobody to show it to
        return
    progress = version_progress(version)
    description = f"{version}: {progress.words}"
    if description != bar.desc.removesuffix(": ") or progress.total != bar.total:
        bar.set_description(description, refresh=False)
        bar.reset(total=progress.total or None)
    bar.update(progress.done - bar.n)
