"""How far the work on an index version is: what is being done, how much of it, how fast, how long yet. Reads only.

The figures come from the version's own row, which the worker writes as it goes, so every process can show them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from search.indexing.progress import PendingWork, pending_work
from search.models import Document, IndexVersion

# A rate that is older than this says nothing about what is left: the worker is busy elsewhere, or stopped.
_RATE_HOLDS = timedelta(seconds=60)


class Phase(StrEnum):
    """What is being done with a version. `IDLE`: nothing, for now or for ever."""

    QUEUEING = "queueing"
    DOCUMENTS = "documents"
    SEALING = "sealing"
    MERGING = "merging"
    RESTORING = "restoring"
    COMPACTING = "compacting"
    MEASURING = "measuring"
    CHECKING = "checking"
    IDLE = "idle"


_PHASES = {phase.value: phase for phase in Phase}
PHASE_NAMES: dict[Phase, str | Promise] = {
    Phase.QUEUEING: _("Listing the documents"),
    Phase.DOCUMENTS: _("Encoding and indexing documents"),
    Phase.SEALING: _("Writing new vectors into a file"),
    Phase.MERGING: _("Merging files"),
    Phase.RESTORING: _("Writing a damaged file again"),
    Phase.COMPACTING: _("Building the vector index"),
    Phase.MEASURING: _("Measuring recall and speed"),
    Phase.CHECKING: _("Waiting to be checked"),
    Phase.IDLE: _("Nothing to do"),
}
_STEP_NAMES: dict[str, str | Promise] = {
    "training": _("training"),
    "adding": _("adding vectors"),
    "measuring": _("trying parameters"),
    "writing": _("writing the file"),
    "truth": _("searching exactly, to compare with"),
}


@dataclass(frozen=True, slots=True)
class VersionProgress:
    """What is being done with one version, in units of the phase: documents, or vectors, or queries.

    `per_second` and `remaining_seconds` are None while they cannot be told; `remaining_seconds` is for this phase.
    """

    version: int
    phase: Phase
    step: str
    done: int
    total: int
    waiting: int
    failed: int
    all_queued: bool
    per_second: float | None = None
    remaining_seconds: float | None = None

    @property
    def moving(self) -> bool:
        """True while there is work that will be done without anybody's help."""
        return self.phase is not Phase.IDLE

    @property
    def percent(self) -> int:
        """Share of the phase that is done, rounded down, 0 to 100."""
        if self.total <= 0:
            return 0 if self.moving else 100
        return max(0, min(100, 100 * self.done // self.total))

    @property
    def words(self) -> str:
        """What is being done, for people."""
        name = str(PHASE_NAMES[self.phase])
        detail = _STEP_NAMES.get(self.step)
        return f"{name}: {detail}" if detail else name


def version_progress(version: IndexVersion) -> VersionProgress:
    """Return how far one version is."""
    return version_progresses([version])[version.pk]


def version_progresses(versions: Sequence[IndexVersion], *, now: datetime | None = None) -> dict[int, VersionProgress]:
    """Return how far each version is, by its id, in two queries."""
    now = now or timezone.now()
    fed = [version for version in versions if version.state in IndexVersion.FED_STATES]
    work = pending_work([version.pk for version in fed])
    published = Document.objects.published().filter(collection__in={version.collection_id for version in fed})
    counts = dict(published.order_by().values_list("collection_id").annotate(count=Count("pk"))) if fed else {}
    return {
        version.pk: _progress(version, work.get(version.pk, PendingWork()), counts.get(version.collection_id, 0), now)
        for version in versions
    }


def _progress(version: IndexVersion, work: PendingWork, published: int, now: datetime) -> VersionProgress:
    waiting = work.waiting
    if version.filled_to is not None and version.state in IndexVersion.FED_STATES:  # not every document is queued yet
        waiting = max(waiting, published - version.documents - work.failed)
    phase, step = _phase(version, waiting)
    done, total = version.step_done, version.step_total
    if phase in (Phase.QUEUEING, Phase.DOCUMENTS):
        total = max(published, waiting)
        done = total - waiting
    rate = _rate(version, phase, now)
    return VersionProgress(
        version=version.number,
        phase=phase,
        step=step,
        done=done,
        total=total,
        waiting=waiting,
        failed=work.failed,
        all_queued=version.filled_to is None,
        per_second=rate,
        remaining_seconds=max(0, total - done) / rate if rate else None,
    )


def _phase(version: IndexVersion, waiting: int) -> tuple[Phase, str]:
    """Return what is being done with a version, and which part of it."""
    if version.state not in IndexVersion.FED_STATES:
        return Phase.IDLE, ""
    if waiting:
        queueing = version.filled_to is not None and not version.documents
        return (Phase.QUEUEING if queueing else Phase.DOCUMENTS), ""
    name, _colon, part = version.step.partition(": ")
    if name in _PHASES:
        return _PHASES[name], next((step for step in _STEP_NAMES if part and step.startswith(part)), "")
    if version.state == IndexVersion.State.BUILDING or (version.state == IndexVersion.State.READY and not version.gate):
        return Phase.CHECKING, ""
    return Phase.IDLE, ""


def _rate(version: IndexVersion, phase: Phase, now: datetime) -> float | None:
    """Return how much of the phase is done in a second, while the figure is fresh."""
    if phase is Phase.DOCUMENTS:
        fresh = version.changed_at is not None and now - version.changed_at < _RATE_HOLDS
        return version.documents_per_second or None if fresh else None
    if version.step_since is None or not version.step or phase is Phase.QUEUEING:
        return None
    seconds = (now - version.step_since).total_seconds()
    return version.step_done / seconds if seconds > 1 and version.step_done else None
