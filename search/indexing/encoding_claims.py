"""Which stretches of a version's queue helpers are encoding ahead of the writer.

Taking one and the writer's own claiming both lock the collection's lease, so that no change is worked on twice. A
stretch is held until its helper gives it back, expires, or is a process of this host that is no longer there. No
helper takes a stretch again: what ended one is left to the writer, which counts attempts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Max, Q
from django.utils import timezone

from search.conf import conf
from search.models import EncodingClaim, IndexVersion
from search.processes import may_live, new_holder

if TYPE_CHECKING:
    from search.models.pending_changes import PendingChangeQuerySet


class ClaimLost(Exception):
    """This helper was too slow, and the writer has gone on without it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A helper's claim on part of a version's queue."""

    pk: int
    holder: str

    def renew(self) -> None:
        """Extend it. Raises ClaimLost."""
        if not EncodingClaim.objects.filter(pk=self.pk, holder=self.holder).update(expires_at=_expiry()):
            raise ClaimLost("The stretch of the queue that was being encoded here went back to the writer.")

    def give_back(self) -> None:
        """Leave it to the writer."""
        EncodingClaim.objects.filter(pk=self.pk, holder=self.holder).update(holder="")


def take(version: IndexVersion, first_id: int, last_id: int) -> Stretch:
    """Claim a stretch, inside the transaction that has chosen it."""
    claim = EncodingClaim.objects.create(
        version=version, first_id=first_id, last_id=last_id, holder=new_holder(), expires_at=_expiry()
    )
    return Stretch(claim.pk, claim.holder)


def behind(version: IndexVersion) -> int:
    """Return the id after which no stretch of the queue has been taken yet."""
    return version.encoding_claims.aggregate(last=Max("last_id"))["last"] or 0


@dataclass(frozen=True, slots=True)
class Stretches:
    """A version's queue as helpers have divided it: stretches that are held, and those that were given back."""

    version: IndexVersion
    held: tuple[EncodingClaim, ...]
    free: tuple[EncodingClaim, ...]

    def untaken(self) -> "PendingChangeQuerySet":
        """Return the untried changes that no helper holds."""
        return self._without_held(self.version.pending_changes.untried())

    def urgent(self) -> "PendingChangeQuerySet":
        """Return those of them that somebody saved by itself."""
        return self._without_held(self.version.pending_changes.urgent())

    def _without_held(self, queue: "PendingChangeQuerySet") -> "PendingChangeQuerySet":
        for claim in self.held:
            queue = queue.exclude(pk__range=(claim.first_id, claim.last_id))
        return queue

    def given_back(self) -> "PendingChangeQuerySet":
        """Return the untried changes of the stretches that were given back; empty ones are forgotten."""
        untried = self.version.pending_changes.untried()
        inside = Q()
        for claim in self.free:
            stretch = Q(pk__range=(claim.first_id, claim.last_id))
            if untried.filter(stretch).exists():
                inside |= stretch
            else:
                claim.delete()
        return untried.filter(inside) if inside else untried.none()


def of(version: IndexVersion) -> Stretches:
    """Return how a version's queue is divided now."""
    held: list[EncodingClaim] = []
    free: list[EncodingClaim] = []
    for claim in version.encoding_claims.all():
        (held if _held(claim) else free).append(claim)
    return Stretches(version, tuple(held), tuple(free))


def _held(claim: EncodingClaim) -> bool:
    return bool(claim.holder) and claim.expires_at > timezone.now() and may_live(claim.holder)


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=conf().LEASE_SECONDS)
