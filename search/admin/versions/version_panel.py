"""What an index version's page shows above its facts: progress, gate, comparison, history. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from search.admin import addresses, figures
from search.admin.versions.version_comparison import Comparison, compared, options
from search.indexing.gate import GateCheck, GateReport, report_of
from search.indexing.version_progress import VersionProgress, version_progress
from search.models import IndexVersion, VersionEvent

CHECK_NAMES: dict[str, str | Promise] = {
    "coverage": gettext_lazy("Every document is in it"),
    "recall": gettext_lazy("Recall reaches its target"),
    "files": gettext_lazy("No file is damaged"),
    "smoke": gettext_lazy("A test search is answered"),
    "answers": gettext_lazy("It answers no worse than the live version"),
}
_EVENT_COLOURS = {
    VersionEvent.Kind.ACTIVATED: "success",
    VersionEvent.Kind.OVERRIDDEN: "warning",
    VersionEvent.Kind.FAILED: "danger",
    VersionEvent.Kind.ROLLBACK: "info",
    VersionEvent.Kind.READY: "primary",
}
_SHOWN_EVENTS = 50


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of the gate, with where to go when it is refused."""

    name: str
    passed: bool
    found: str
    cure: str = ""
    cure_name: str = ""


@dataclass(frozen=True, slots=True)
class GatePanel:
    """What the gate says, and whether that is still about the version as it is now."""

    passed: bool
    at: datetime
    current: bool
    checks: tuple[CheckRow, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the version's history."""

    name: str
    colour: str
    at: datetime
    by: str
    reason: str
    details: str


@dataclass(frozen=True, slots=True)
class VersionPanel:
    """Everything above the facts."""

    version: IndexVersion
    progress: VersionProgress
    gate: GatePanel | None
    gate_awaited: bool
    comparison: Comparison
    measured_on: str
    events: tuple[EventRow, ...]
    collection_url: str
    failed_url: str
    there_url: str
    progress_url: str

    @property
    def gate_refuses(self) -> bool:
        """True when the version's last error only says again what the gate's checks say."""
        return self.gate is not None and self.gate.current and not self.gate.passed


def version_panel(version: IndexVersion) -> VersionPanel:
    """Return the panel of one version."""
    other = counterpart(version)
    candidate = version.state in (IndexVersion.State.BUILDING, IndexVersion.State.READY)
    judged = version.activated_at is None or candidate  # a live version's old report says nothing about today
    return VersionPanel(
        version=version,
        progress=version_progress(version),
        gate=gate_panel(version) if judged else None,
        gate_awaited=candidate and report_of(version) is None,
        comparison=compared(version, other),
        measured_on=_measured_on(version),
        events=_events(version),
        collection_url=addresses.collection(version.collection),
        failed_url=addresses.failed_changes(version),
        there_url=addresses.index_version(other) if other is not None else "",
        progress_url=addresses.version_progress(version),
    )


def counterpart(version: IndexVersion) -> IndexVersion | None:
    """Return what a version is best compared with: the live one; for that, the newest candidate or the last one."""
    siblings = version.collection.index_versions.exclude(pk=version.pk).select_related("collection")
    if version.state != IndexVersion.State.ACTIVE:
        return siblings.active().first()
    newer = siblings.filter(number__gt=version.number, state=IndexVersion.State.READY)
    before = siblings.filter(state=IndexVersion.State.RETIRED).order_by("-retired_at")
    return newer.first() or before.first()


def gate_panel(version: IndexVersion) -> GatePanel | None:
    """Return the version's last report in the form that people read, or None when it was never judged."""
    report = GateReport.from_json(version.gate)
    if report is None:
        return None
    checks = tuple(_check(version, check) for check in report.checks)
    return GatePanel(report.passed, report.at, report_of(version) is not None, checks)


def _check(version: IndexVersion, check: GateCheck) -> CheckRow:
    name = str(CHECK_NAMES.get(check.name, check.name))
    if check.passed:
        return CheckRow(name, True, check.found)
    url, link = _cure(version, check.name)
    return CheckRow(name, False, check.found, url, link)


def _cure(version: IndexVersion, check: str) -> tuple[str, str]:
    """Return where somebody can do something about a refusal."""
    if check == "coverage":
        return addresses.failed_changes(version), _("See what failed, and why")
    return addresses.collection(version.collection), _("Change the options, or rebuild")


def _measured_on(version: IndexVersion) -> str:
    queries = version.measurements.get("queries", 0)
    if version.measured_at is None:
        return _("Nothing has been measured yet.")
    if not queries:
        return _("There was nothing to measure: no text was in it.")
    logged = version.measurements.get("logged_queries", 0)
    text = ngettext("Measured on %s query", "Measured on %s queries", queries) % figures.whole(queries)
    if logged:
        text += " " + _("(%s of them really asked by people)") % figures.whole(logged)
    target = version.recall_target
    asked = "" if target is None else " " + _("A recall of %s was asked for.") % f"{target:g}"
    return text + ", " + _("one at a time; recall against exact search.") + asked


def _events(version: IndexVersion) -> tuple[EventRow, ...]:
    return tuple(_event(event) for event in version.events.select_related("by")[:_SHOWN_EVENTS])


def _event(event: VersionEvent) -> EventRow:
    kind = VersionEvent.Kind(event.kind)
    by = event.by.get_username() if event.by else ""
    return EventRow(str(kind.label), _EVENT_COLOURS.get(kind, ""), event.at, by, event.reason, _details(event))


def _details(event: VersionEvent) -> str:
    """Return what an event was about in a line; the gate's report at an override names what it refused."""
    gate = GateReport.from_json(event.details.get("gate") or {})
    if gate is not None:
        refused = " ".join(gate.refusals)
        return _("Refused by the gate: %s") % refused if refused else ""
    return options({key: value for key, value in event.details.items() if value is not None}) if event.details else ""


def refused_candidates(versions: Sequence[IndexVersion]) -> list[tuple[IndexVersion, GatePanel]]:
    """Return those candidates that their gate refuses as they are now."""
    found = []
    for version in versions:
        panel = gate_panel(version) if version.state == IndexVersion.State.READY else None
        if panel is not None and panel.current and not panel.passed:
            found.append((version, panel))
    return found
