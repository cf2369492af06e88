"""`manage.py status`: how the installation is, and what needs somebody; exits with 1 when it is critical."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from search.status.alarms import Severity
from search.status.overview import Overview, overview


class Command(BaseCommand):
    """The admin's first page for the terminal."""

    help = "Say how the installation is and what needs somebody; exit 1 on a critical alarm."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        found = overview(timezone.now())
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        else:
            self._write(found)
        if any(alarm.severity is Severity.CRITICAL for alarm in found.alarms):
            raise SystemExit(1)

    def _write(self, found: Overview) -> None:
        for alarm in found.alarms:
            style = self.style.ERROR if alarm.severity is Severity.CRITICAL else self.style.WARNING
            self.stdout.write(style(f"{alarm.severity}: {alarm.title}"))
            for line in (*alarm.reasons, f"→ {alarm.what_to_do}"):
                self.stdout.write(f"  {line}")
        if not found.alarms:
            self.stdout.write(self.style.SUCCESS("Nothing needs you."))
        for one in found.collections:
            states = ", ".join(f"{count} {state}" for state, count in one.states.items())
            live = f"v{one.version.number}, {one.version.disk_bytes >> 20} MB" if one.version else "no live version"
            waits = f"{one.progress.pending} waiting, {one.progress.failed} failed"
            self.stdout.write(f"{one.collection.slug}: {states}; {one.progress.indexed} indexed, {waits}; {live}")
        searches = found.searches
        times = "" if searches.p95_seconds is None else (
            f", p50 {1_000 * (searches.p50_seconds or 0):.0f} ms, p95 {1_000 * searches.p95_seconds:.0f} ms"
        )  # fmt: skip
        self.stdout.write(
            f"Last 24 hours: {searches.searches} searches, {searches.zero_results} without results{times}"
        )
        self.stdout.write(f"Disk: {found.disk_free >> 20} of {found.disk_total >> 20} MB free")
