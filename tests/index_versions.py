"""Short ways to index versions in a given state, made by the real builder, for the tests of every way in."""

from typing import Any

from search.indexing import applier, gate, requests
from search.models import Collection, IndexVersion, PendingChange


def newest(collection: Collection) -> IndexVersion:
    """Return the collection's newest version as it is now."""
    version = collection.index_versions.order_by("number").last()
    assert version is not None
    return version


def rebuilt(collection: Collection, *, live: bool = True, **recipe: Any) -> IndexVersion:
    """Build the collection's next version, with other options if given, until the worker would have nothing to do."""
    Collection.objects.filter(pk=collection.pk).update(**recipe)
    requests.request_rebuild(collection, activate_when_ready=live)
    applier.drain(collection.pk, budget_seconds=60)
    return newest(collection)


def refused(version: IndexVersion) -> IndexVersion:
    """Let a ready version's gate refuse it, for a document that could not be indexed."""
    held = version.indexed_documents.order_by("pk").first()
    assert held is not None
    PendingChange.objects.create(
        version=version,
        document_id=held.document_id,
        revision=held.revision,
        quarantined=True,
        last_error="Unreadable.",
    )
    IndexVersion.objects.filter(pk=version.pk).update(gate=gate.assess(version).as_json(), activate_when_ready=False)
    version.refresh_from_db()
    assert not gate.GateReport.from_json(version.gate).passed  # type: ignore[union-attr]
    return version
