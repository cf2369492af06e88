"""How far collections are, in numbers that the asker may know, in a constant number of queries.

For those who may read every document they are the numbers of `search.indexing.status`; for others they
count only what is visible to them, so that no figure tells of a hidden document.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, Min

from search.indexing.progress import CollectionProgress
from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange

from .permissions import User, reads_everything


def collections_progress(collections: Sequence[Collection], user: User) -> dict[int, CollectionProgress]:
    """Return the progress of each collection by its id."""
    return _Progress(collections, user).by_collection()


class _Progress:
    def __init__(self, collections: Sequence[Collection], user: User) -> None:
        self.collections = collections
        self.everything = reads_everything(user)
        self.visible = Document.objects.published() if self.everything else Document.objects.visible_to(user)
        active = IndexVersion.objects.active().filter(collection__in=collections)
        self.versions = {version.collection_id: version for version in active}

    def by_collection(self) -> dict[int, CollectionProgress]:
        documents, indexed, changes = self._documents(), self._indexed(), self._changes()
        result = {}
        for collection in self.collections:
            version = self.versions.get(collection.pk)
            here = documents.get(collection.pk, 0)
            error = (version.last_error if version else "") or collection.last_error
            waiting, since = changes.get((version.pk, False), (0, None)) if version else (here, None)
            result[collection.pk] = CollectionProgress(
                version=version.number if version else None,
                documents=here,
                indexed=indexed.get(version.pk, 0) if version else 0,
                pending=waiting,
                failed=changes.get((version.pk, True), (0, None))[0] if version else 0,
                oldest_pending_since=since,
                last_error=error if self.everything else "",
            )
        return result

    def _documents(self) -> dict[int, int]:
        rows = self.visible.filter(collection__in=self.collections).order_by().values("collection_id")
        return dict(rows.annotate(n=Count("pk")).values_list("collection_id", "n"))

    def _indexed(self) -> dict[int, int]:
        if self.everything:
            return {version.pk: version.documents for version in self.versions.values()}
        rows = IndexedDocument.objects.filter(version__in=self.versions.values(), document__in=self.visible)
        return dict(rows.values("version_id").annotate(n=Count("pk")).values_list("version_id", "n"))

    def _changes(self) -> dict[tuple[int, bool], tuple[int, datetime | None]]:
        changes = PendingChange.objects.filter(version__in=self.versions.values()).order_by()
        if not self.everything:
            changes = changes.filter(document__in=self.visible)
        rows = changes.values("version_id", "quarantined").annotate(n=Count("pk"), since=Min("created_at"))
        return {(row["version_id"], row["quarantined"]): (row["n"], row["since"]) for row in rows}
