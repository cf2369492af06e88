"""Turns committed changes into wake-ups for the worker. Decides nothing and indexes nothing."""

from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.models.signals import post_delete, post_migrate, post_save, pre_delete

from search import tasks
from search.models import Collection, Document, IndexVersion, PendingChange, corpus_changed, index_damaged, list_indexes
from search.models import triggers as document_triggers


@dataclass(frozen=True)
class WakeUp:
    """What runs after the commit; equal ones in a row are registered once."""

    collection_id: int

    def __call__(self) -> None:
        tasks.wake(self.collection_id)


def connect() -> None:
    """Connect the receivers; called once, when the application starts."""
    post_save.connect(document_saved, sender=Document, dispatch_uid="search.document_saved")
    post_delete.connect(document_deleted, sender=Document, dispatch_uid="search.document_deleted")
    post_save.connect(collection_saved, sender=Collection, dispatch_uid="search.collection_saved")
    pre_delete.connect(collection_leaves, sender=Collection, dispatch_uid="search.collection_leaves")
    corpus_changed.connect(bulk_changed, dispatch_uid="search.bulk_changed")
    index_damaged.connect(index_needs_mending, dispatch_uid="search.index_needs_mending")
    post_migrate.connect(ensure_own_parts, dispatch_uid="search.ensure_own_parts")


def document_saved(instance: Document, using: str, **kwargs: Any) -> None:
    """Let what somebody saved by itself go before what was queued in bulk, and wake the worker."""
    PendingChange.objects.using(using).hurry([instance.pk])
    _wake_on_commit(instance.collection_id, using)


def document_deleted(instance: Document, using: str, **kwargs: Any) -> None:
    """Wake the worker for a deleted document's collection."""
    _wake_on_commit(instance.collection_id, using)


def collection_saved(instance: Collection, using: str, **kwargs: Any) -> None:
    """Wake the worker for a new collection, which needs its first version."""
    _wake_on_commit(instance.pk, using)


def bulk_changed(collection_ids: set[int], using: str, **kwargs: Any) -> None:
    """Wake the worker for every collection that a bulk write touched."""
    for collection_id in sorted(collection_ids):
        _wake_on_commit(collection_id, using)


def index_needs_mending(collection_id: int, **kwargs: Any) -> None:
    """Wake the worker, which restores what a reader found damaged."""
    tasks.wake(collection_id)


def collection_leaves(instance: Collection, **kwargs: Any) -> None:
    """Delete a collection's versions before its documents, so that their triggers queue nothing any more."""
    IndexVersion.objects.filter(collection=instance).delete()


def ensure_own_parts(using: str, app_config: Any = None, **kwargs: Any) -> None:
    """Install the triggers and SQLite's index again after every migrate: rebuilding a table drops them there."""
    if app_config is not None and app_config.label == "search":
        connection = connections[using]
        if Document._meta.db_table in connection.introspection.table_names():
            document_triggers.install(connection)
            list_indexes.install(connection)


def _wake_on_commit(collection_id: int, using: str) -> None:
    wake_up = WakeUp(collection_id)
    waiting = connections[using].run_on_commit
    if waiting and waiting[-1][1] == wake_up:
        return
    transaction.on_commit(wake_up, using=using)
