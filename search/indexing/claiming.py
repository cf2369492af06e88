"""Takes the next changes of a version's queue, each attempt counted before the work.

What somebody saved by itself goes first, then some of the newest, then the rest in its order; each of the first two
has only a share of a batch, so that nothing waits for ever. A batch has as much text as takes a few seconds here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Length
from django.utils import timezone

from search.conf import conf
from search.failpoints import failpoint
from search.indexing import encoding_claims
from search.indexing.leases import Lease
from search.models import Document, IndexVersion, PendingChange

if TYPE_CHECKING:
    from search.models.pending_changes import PendingChangeQuerySet

BATCH_SECONDS = 4.0  # what a save may have to wait for
_URGENT_SHARE = 0.5  # of a batch, at most
_NEWEST_SHARE = 0.125
_FIRST_CHARS = 32_768
_LEAST_CHARS = 8_192
_LENGTHS_AT_ONCE = 64
_DOCUMENT_CHARS = 200  # what a document costs beside its text


@dataclass(frozen=True, slots=True)
class Claimed:
    """Changes to work on, and how much text they have."""

    rows: list[PendingChange]
    chars: int


class Pace:
    """How much text this process works through in a batch's time: larger batches cost less for each document."""

    def __init__(self) -> None:
        self._chars: dict[str, int] = {}

    def chars(self, version: IndexVersion) -> int:
        """Return how much text a batch may have."""
        return min(self._chars.get(version.encoder_fingerprint, _FIRST_CHARS), conf().APPLY_BATCH_CHARS)

    def note(self, version: IndexVersion, chars: int, seconds: float) -> None:
        """Learn from a batch that was not much smaller than it might have been."""
        now = self._chars.get(version.encoder_fingerprint, _FIRST_CHARS)
        if not chars or (chars < now / 2 and seconds < BATCH_SECONDS):
            return
        fitting = int(chars * BATCH_SECONDS / max(seconds, 0.001))
        self._chars[version.encoder_fingerprint] = max(_LEAST_CHARS, min(fitting, now * 2, conf().APPLY_BATCH_CHARS))


pace = Pace()


def claim(version: IndexVersion, lease: Lease) -> Claimed:
    """Take the next changes to work on, counting the attempt first. Raises LeaseLost."""
    with transaction.atomic():
        lease.renew()  # and no helper takes anything meanwhile
        due = version.pending_changes.due(timezone.now()).order_by("pk")
        exhausted = due.filter(attempts__gte=conf().MAX_ATTEMPTS)
        if exhausted.exists():
            _quarantine(exhausted)
        claimed = _next(version)
        if not claimed.rows:  # what was tried before is tried alone: it may have ended the worker
            claimed = Claimed(list(due.filter(attempts__gt=0)[:1]), 0)
        count(version, claimed.rows)
    if claimed.rows:
        failpoint("apply.claimed")
    return claimed


def count(version: IndexVersion, rows: Iterable[PendingChange]) -> None:
    """Count an attempt at each."""
    rows = list(rows)
    if rows:
        version.pending_changes.filter(pk__in=[row.pk for row in rows]).update(attempts=F("attempts") + 1)
    for row in rows:
        row.attempts += 1


def give_back(version: IndexVersion, claimed: Iterable[PendingChange]) -> None:
    """Give back an attempt that did not begin, or that ended through no fault of its document."""
    rows = version.pending_changes.filter(pk__in=[row.pk for row in claimed], attempts__gt=0)
    rows.update(attempts=F("attempts") - 1)


def is_due(versions: Iterable[IndexVersion], now: datetime) -> bool:
    """Tell whether any of the versions has a change that can be taken now."""
    return any(
        encoding_claims.of(version).untaken().exists()
        or version.pending_changes.due(now).filter(attempts__gt=0).exists()
        for version in versions
    )


def bounded(rows: Sequence[PendingChange], most_chars: int) -> Claimed:
    """Return as many of the first rows as have `most_chars` of text together, but at least one."""
    total = 0
    for at in range(0, len(rows), _LENGTHS_AT_ONCE):
        block = rows[at : at + _LENGTHS_AT_ONCE]
        documents = Document.objects.filter(pk__in=[row.document_id for row in block])
        lengths = dict(documents.values_list("pk", Length("title") + Length("body")))
        for position, row in enumerate(block, start=at):
            chars = lengths.get(row.document_id, 0) + _DOCUMENT_CHARS
            if position and total + chars > most_chars:
                return Claimed(list(rows[:position]), total)
            total += chars
    return Claimed(list(rows), total)


@dataclass(slots=True)
class _Batch:
    """A batch that is put together from several ends of the queue."""

    most: int
    most_chars: int
    taken: dict[int, PendingChange] = field(default_factory=dict)
    chars: int = 0

    def add(self, queue: "PendingChangeQuerySet | list[PendingChange]", share: float = 1.0, *, least: int = 1) -> None:
        """Take the first of a queue, without those taken already: what has room in a share of the whole, or `least`."""
        room = min(max(1, int(self.most * share)), self.most - len(self.taken))
        rows = [row for row in queue[: room + len(self.taken)] if row.pk not in self.taken][:room]
        if not rows:
            return
        chars = min(int(self.most_chars * share), self.most_chars - self.chars)
        some = bounded(rows, chars)
        if some.chars <= chars or least:
            self.taken |= {row.pk: row for row in some.rows}
            self.chars += some.chars


def _next(version: IndexVersion) -> Claimed:
    chars = pace.chars(version)
    most = min(conf().APPLY_BATCH_DOCUMENTS, 1 + chars // _DOCUMENT_CHARS)
    stretches = encoding_claims.of(version)
    ready, free = stretches.given_back().order_by("pk"), stretches.untaken().order_by("pk")
    oldest = list(free[: most + 1])
    claimed = bounded(oldest[:most], chars)
    if len(claimed.rows) == len(oldest):  # that is the whole queue
        return claimed
    batch = _Batch(most, chars)
    batch.add(stretches.urgent().order_by("pk"), _URGENT_SHARE)
    batch.add(free.order_by("-pk"), _NEWEST_SHARE, least=0)
    batch.add(ready, least=0)
    batch.add(oldest)
    return Claimed(sorted(batch.taken.values(), key=lambda row: row.pk), batch.chars)


def _quarantine(exhausted: "PendingChangeQuerySet") -> None:
    """Stop trying documents whose every attempt ended without even an error: they end the worker itself."""
    reason = Case(
        When(last_error="", then=Value("The worker stopped each time while it was indexing this document.")),
        default=F("last_error"),
        output_field=TextField(),
    )
    exhausted.update(quarantined=True, last_error=reason)
