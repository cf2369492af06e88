"""`manage.py change_documents ACTION`: does to many documents what the admin's list does, here and now."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import is_naive, make_aware

from search import tasks
from search.ingestion import bulk_changes
from search.ingestion.bulk_changes import Action, BadChange, Wanted
from search.ingestion.selections import BadSelection, selected
from search.models import BulkChange, Collection, Document

_STEP_SECONDS = 2.0


class Command(BaseCommand):
    """Tells what it would do, asks, does it and reports how far it is."""

    help = "Publish, archive, hide, show, index again or delete many documents of a collection."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=Action.values)
        parser.add_argument("--collection", required=True, metavar="SLUG")
        parser.add_argument("--all", action="store_true", help="every document of the collection")
        parser.add_argument("--state", choices=Document.State.values, help="those in this state")
        parser.add_argument("--visibility", choices=Document.Visibility.values, help="those visible to these")
        parser.add_argument("--language", metavar="TAG", help="those in this language")
        parser.add_argument("--text", metavar="PIECE", help="those with this in the title or external id")
        parser.add_argument("--external-id", action="append", dest="external_ids", metavar="ID", help="this one; again")
        parser.add_argument("--ids-from", metavar="FILE", help="external ids, one on each line; - for standard input")
        parser.add_argument("--updated-since", metavar="DATE", help="those changed then or later")
        parser.add_argument("--updated-before", metavar="DATE", help="those changed earlier")
        parser.add_argument("--to-visibility", choices=Document.Visibility.values, help="audience: who is to find them")
        parser.add_argument("--to-group", action="append", default=[], metavar="NAME", help="audience: a group; again")
        parser.add_argument("--dry-run", action="store_true", help="only say how many it would be")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.filter(slug=options["collection"]).first()
        if collection is None:
            known = ", ".join(Collection.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no collection {options['collection']!r}; there are: {known}.")
        try:
            documents = selected(collection.documents.all(), _conditions(options))
            wanted = Wanted(Action(options["action"]), options["to_visibility"] or "", _groups(options["to_group"]))
            outlook = bulk_changes.outlook(documents, wanted)
            self.stdout.write(f"{wanted.action.label}: {outlook.affected:,} of {outlook.total:,} documents.")
            if options["dry_run"] or not outlook.total:
                return
            if not options["yes"] and not _confirmed():
                raise CommandError("Nothing was changed. Say --yes, or answer yes.")
            change = tasks.start_bulk_change(documents, wanted, by=None, expected=outlook.total)
        except (BadChange, BadSelection) as error:
            raise CommandError(str(error)) from error
        while tasks.work_on_bulk_change(change.pk, budget_seconds=_STEP_SECONDS):
            change.refresh_from_db()
            self.stdout.write(f"  {change.next:,} of {change.total:,} looked at, {change.changed:,} changed")
        change.refresh_from_db()
        if change.status == BulkChange.Status.FAILED:
            raise CommandError(f"{change.changed:,} changed, then it failed: {change.error}")
        self.stdout.write(self.style.SUCCESS(f"{change.get_status_display()}: {change.changed:,} changed."))


def _conditions(options: dict[str, Any]) -> dict[str, Any]:
    names = ("state", "visibility", "language", "text", "all")
    found = {name: options[name] for name in names if options[name]}
    ids = list(options["external_ids"] or ())
    if options["ids_from"]:
        ids += _lines(options["ids_from"])
    if ids or options["ids_from"]:
        found["external_ids"] = ids
    for name in ("updated_since", "updated_before"):
        if options[name]:
            found[name] = _moment(options[name])
    return found


def _lines(name: str) -> list[str]:
    try:
        if name == "-":
            return sys.stdin.read().splitlines()
        return Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no date; write it as in 2026-01-31 or 2026-01-31T12:00.") from error
    return make_aware(moment) if is_naive(moment) else moment


def _groups(names: list[str]) -> tuple[int, ...]:
    found = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
    if missing := [name for name in names if name not in found]:
        raise CommandError(f"There is no group {missing[0]!r}.")
    return tuple(sorted(found.values()))


def _confirmed() -> bool:
    try:
        return input("Go on? [yes/no] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
