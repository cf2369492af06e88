"""`manage.py build_index`: builds a new version of a collection's index beside the live one, here and now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from search.indexing import applier, requests
from search.indexing.progress import collection_progress
from search.models import Collection, IndexVersion


class Command(BaseCommand):
    """Builds in this process, step by step; a worker that runs beside it helps and does no harm."""

    help = "Build a new index version beside the live one and activate it when it holds every document."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", default="", help="slug; default: all collections")

    def handle(self, *args: Any, **options: Any) -> None:
        collections = Collection.objects.order_by("slug")
        if options["collection"]:
            collections = collections.filter(slug=options["collection"])
        if not collections.exists():
            raise CommandError(f"There is no collection {options['collection']!r}.".replace(" ''", " yet"))
        for collection in collections:
            self._build(collection)

    def _build(self, collection: Collection) -> None:
        before = collection.index_versions.order_by("number").last()
        requests.request_rebuild(collection)
        version = None
        with tqdm(total=collection_progress(collection).documents, desc=collection.slug, disable=None) as bar:
            while version is None or version.state == IndexVersion.State.BUILDING:
                applier.drain_wait(collection.pk, budget_seconds=2)
                collection.refresh_from_db()
                newest = collection.index_versions.order_by("number").last()
                version = newest if newest != before else None
                if problem := (version.last_error if version else collection.last_error):
                    raise CommandError(f"{collection.slug}: {problem}")
                bar.update(version.documents - bar.n if version else 0)
        self.stdout.write(
            f"{version}: {version.get_state_display().lower()}, {version.documents} documents, "
            f"{version.chunks} chunks, {version.encoded_chunks} encoded"
        )
