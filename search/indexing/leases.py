"""One writer for each collection: a lease in the database, with a token that fences off a writer who lost it.

A lease ends when its holder releases it, when it expires, or at once when its holder was a process of this
host that is no longer there.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from search.models import IndexLease, row_leases


class LeaseBusy(Exception):
    """Somebody else is writing this collection's index; they will do what is pending."""


class LeaseLost(Exception):
    """This writer was too slow and another has taken over; nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one collection's index."""

    collection_id: int
    token: int

    def renew(self) -> None:
        """Extend the lease. Inside a transaction this also locks it until the end. Raises LeaseLost."""
        held = IndexLease.objects.filter(collection_id=self.collection_id, token=self.token).exclude(holder="")
        if not held.update(expires_at=row_leases.expiry()):
            raise LeaseLost(f"The lease of collection {self.collection_id} went to another worker.")


@contextlib.contextmanager
def hold(collection_id: int) -> Iterator[Lease]:
    """Hold the collection's lease for the length of the block. Raises LeaseBusy."""
    row, _ = IndexLease.objects.get_or_create(collection_id=collection_id)
    token = row_leases.take(row)
    if token is None:
        raise LeaseBusy(f"Collection {collection_id} is being indexed by {row.holder or 'another worker'}.")
    try:
        yield Lease(collection_id, token)
    finally:
        row_leases.release(row, token)
