"""`manage.py index_versions`: lists index versions, shows one, and does what the admin's buttons do."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from search import tasks
from search.indexing import lifecycle, retention
from search.indexing.gate import GateReport, report_of
from search.indexing.version_progress import version_progress
from search.models import IndexVersion

_COLUMNS = (
    "recall", "recall_target", "median_us", "p95_us", "bytes_per_vector", "build_seconds", "peak_memory_mb",
    "disk_bytes", "measured_at",
)  # fmt: skip
_FACTS = (
    "state", "encoder_name", "encoder_revision", "encoder_runtime", "dimension", "chunking", "engine",
    "engine_options", "documents", "chunks", "created_at", "ready_at", "activated_at", "retired_at", "pruned_at",
    "drift", "checked_at", "last_error", *_COLUMNS,
)  # fmt: skip
_REFUSALS = (
    lifecycle.CannotActivate,
    lifecycle.CannotRollBack,
    lifecycle.CannotCancel,
    retention.CannotPrune,
)


class Command(BaseCommand):
    """One subcommand for each thing that can be done with a version."""

    help = "List index versions, show one, activate, roll back, cancel or prune."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True, metavar="list|show|activate|roll_back|…")
        listing = commands.add_parser("list", help="all versions, or those of one collection")
        listing.add_argument("--collection", default="", help="slug")
        listing.add_argument("--state", default="", choices=("", *IndexVersion.State.values))
        showing = _of_one_version(commands, "show", "everything that is known of a version")
        for reading in (listing, showing):
            reading.add_argument("--format", default="text", choices=("text", "json"))
        activating = _of_one_version(commands, "activate", "make a ready version live")
        activating.add_argument("--override", default="", metavar="REASON", help="although its gate refuses it")
        acting = [
            activating,
            _of_one_version(commands, "roll_back", "take a retired version back; it applies first what it has missed"),
            _of_one_version(commands, "cancel", "stop building a version"),
            _of_one_version(commands, "prune", "delete what a retired or failed version holds, for good"),
        ]
        for action in acting:
            action.add_argument("--by", default="", metavar="USER", help="who is to stand in the version's history")

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "list": self._list, "show": self._show, "activate": self._activate, "roll_back": self._roll_back,
            "cancel": self._cancel, "prune": self._prune,
        }  # fmt: skip
        try:
            actions[options["what"]](options)
        except _REFUSALS as error:
            raise CommandError(str(error)) from error

    def _list(self, options: dict[str, Any]) -> None:
        versions = IndexVersion.objects.select_related("collection").order_by("collection__slug", "number")
        if options["collection"]:
            versions = versions.filter(collection__slug=options["collection"])
        if options["state"]:
            versions = versions.filter(state=options["state"])
        if options["format"] == "json":
            self._json([_facts(version) for version in versions])
        for version in versions if options["format"] == "text" else ():
            self.stdout.write(_line(version))

    def _show(self, options: dict[str, Any]) -> None:
        version = _version(options)
        facts = _facts(version) | {"segments": _segments(version), "events": _events(version)}
        if options["format"] == "json":
            self._json(facts)
            return
        self.stdout.write(_line(version))
        for name in _FACTS:
            if facts[name] not in (None, "", {}):
                self.stdout.write(f"  {name.replace('_', ' ')}: {facts[name]}")
        for check in (facts["gate"] or {}).get("checks", ()):
            style = self.style.SUCCESS if check["passed"] else self.style.ERROR
            self.stdout.write(f"  gate, {check['name']}: {style(check['found'])}")
        for segment in facts["segments"]:
            self.stdout.write(f"  segment {segment['index_type']} {segment['parameters']}: {segment['rows']} rows")
        for event in facts["events"]:
            by, reason = event["by"] or "-", event["reason"]
            self.stdout.write(f"  {event['at']:%Y-%m-%d %H:%M:%S} {event['kind']} by {by}. {reason}".rstrip())

    def _activate(self, options: dict[str, Any]) -> None:
        version = _version(options)
        live = lifecycle.activate(version, by=_person(options["by"]), override_reason=options["override"])
        then = "is live." if live else "goes live by itself once the worker has judged it as it is now."
        self.stdout.write(self.style.SUCCESS(f"{version} {then}"))

    def _roll_back(self, options: dict[str, Any]) -> None:
        version = _version(options)
        missed = tasks.roll_back(version, by=_person(options["by"]))
        found = f"It had missed {missed.total} documents: {missed.changed} new or changed, {missed.gone} gone."
        live = version.state == IndexVersion.State.ACTIVE
        then = "is live again." if live else "goes live by itself once the worker has applied it and its checks let it."
        self.stdout.write(f"{found} {version} {then}")

    def _cancel(self, options: dict[str, Any]) -> None:
        version = _version(options)
        lifecycle.cancel(version, by=_person(options["by"]))
        self.stdout.write(f"{version} is cancelled.")

    def _prune(self, options: dict[str, Any]) -> None:
        version = _version(options)
        retention.prune(version, by=_person(options["by"]))
        self.stdout.write(f"{version} is pruned; the worker clears away what it held.")

    def _json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder))


def _of_one_version(commands: Any, name: str, help_text: str) -> CommandParser:
    parser: CommandParser = commands.add_parser(name, help=help_text)
    parser.add_argument("collection", help="slug")
    parser.add_argument("number", type=int, help="number of the version")
    return parser


def _version(options: dict[str, Any]) -> IndexVersion:
    slug, number = options["collection"], options["number"]
    versions = IndexVersion.objects.select_related("collection").filter(collection__slug=slug)
    version = versions.filter(number=number).first()
    if version is None:
        known = ", ".join(str(n) for n in versions.order_by("number").values_list("number", flat=True)) or "none"
        raise CommandError(f"Collection {slug!r} has no index version {number}; it has: {known}.")
    return version


def _person(name: str) -> Any:
    if not name:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user


def _facts(version: IndexVersion) -> dict[str, Any]:
    """Return what is known of a version by its row, with its gate and its progress."""
    report = GateReport.from_json(version.gate)
    progress = version_progress(version)
    return {
        "id": version.pk,
        "collection": version.collection.slug,
        "number": version.number,
        **{name: getattr(version, name) for name in _FACTS},
        "gate": {**report.as_json(), "current": report_of(version) is not None} if report is not None else None,
        "progress": {
            "phase": progress.phase.value,
            "done": progress.done,
            "total": progress.total,
            "per_second": progress.per_second,
            "remaining_seconds": progress.remaining_seconds,
            "pending": progress.waiting,
            "failed": progress.failed,
        },
    }


def _segments(version: IndexVersion) -> list[dict[str, Any]]:
    names = ("sha256", "index_type", "parameters", "rows", "size_bytes", "state", "measured")
    return [{name: getattr(segment, name) for name in names} for segment in version.segments.all()]


def _events(version: IndexVersion) -> list[dict[str, Any]]:
    return [
        {
            "kind": event.kind,
            "at": event.at,
            "by": event.by.get_username() if event.by else None,
            "reason": event.reason,
            "details": event.details,
        }
        for event in version.events.select_related("by")
    ]


def _line(version: IndexVersion) -> str:
    """Return a version in one line."""
    recall = "-" if version.recall is None else f"{version.recall:.4f}"
    median = "-" if version.median_us is None else f"{version.median_us:.0f} µs"
    state = f"{version.state}{', pruned' if version.pruned_at else ''}"
    progress = version_progress(version)
    doing = f", {progress.words.lower()} {progress.done}/{progress.total}" if progress.moving else ""
    return f"{version}: {state}, {version.chunks} chunks, recall@10 {recall}, median {median}{doing}"
