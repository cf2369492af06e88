"""Celery tasks: ids in, one call each. Messages are hints; the pending rows are the work."""

from celery import shared_task


@shared_task(name="search.index_pending")
def index_pending(*, collection_id: int) -> None:
    """Apply what is pending for a collection."""
    raise NotImplementedError


@shared_task(name="search.sweep")
def sweep() -> None:
    """Find work that no message announced."""
    raise NotImplementedError
