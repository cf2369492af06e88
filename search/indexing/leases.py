"""One writer for each collection: a lease in the database, with a token that fences off a writer who lost it.

A lease ends when its holder releases it, when it expires, or at once when its holder was a process of this
host that is no longer there.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from search.conf import conf
from search.models import IndexLease
from search.processes import may_live, new_holder


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
        if not held.update(expires_at=_expiry()):
            raise LeaseLost(f"The lease of collection {self.collection_id} went to another worker.")


@contextlib.contextmanager
def hold(collection_id: int) -> Iterator[Lease]:
    """Hold the collection's lease for the length of the block. Raises LeaseBusy."""
    lease = _take(collection_id)
    try:
        yield lease
    finally:
        IndexLease.objects.filter(collection_id=collection_id, token=lease.token).update(holder="")


def _take(collection_id: int) -> Lease:
    row, _ = IndexLease.objects.get_or_create(collection_id=collection_id)
    free = Q(holder="") | Q(expires_at__lt=timezone.now())
    if row.holder and not may_live(row.holder):
        free |= Q(holder=row.holder)
    taken = IndexLease.objects.filter(free, collection_id=collection_id, token=row.token)
    if not taken.update(holder=new_holder(), token=F("token") + 1, expires_at=_expiry()):
        raise LeaseBusy(f"Collection {collection_id} is being indexed by {row.holder or 'another worker'}.")
    return Lease(collection_id, row.token + 1)


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=conf().LEASE_SECONDS)
