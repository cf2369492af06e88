"""`manage.py document_history COLLECTION EXTERNAL_ID`: what was changed in a document, and the way back."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.ingestion import revisions
from search.ingestion.document_writes import Outcome
from search.ingestion.revisions import Change, NoRevision
from search.models import Document

_SHOWN_CHARS = 60


class Command(BaseCommand):
    """Lists the changes, shows the content at a revision, or goes back to one."""

    help = "List a document's changes, show what it was at a revision, or go back to that."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("collection", metavar="COLLECTION")
        parser.add_argument("external_id", metavar="EXTERNAL_ID")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--show", type=int, metavar="REVISION", help="its content then, as JSON")
        what.add_argument("--restore", type=int, metavar="REVISION", help="write that content as a new change")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="changes to list")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Document.objects.select_related("collection").filter(
            collection__slug=options["collection"], external_id=options["external_id"]
        )
        document = found.first()
        if document is None:
            raise CommandError(f"Collection {options['collection']!r} has no document {options['external_id']!r}.")
        try:
            if options["show"] is not None:
                content = revisions.content_at(document, options["show"])
                self.stdout.write(json.dumps(content, indent=2, ensure_ascii=False))
            elif options["restore"] is not None:
                self._restore(document, options["restore"])
            else:
                self._list(document, options["limit"])
        except NoRevision as error:
            raise CommandError(f"{error} Those that are: see document_history without an option.") from error

    def _restore(self, document: Document, revision: int) -> None:
        outcome = revisions.restore(document, revision).outcome
        if outcome not in (Outcome.UPDATED, Outcome.UNCHANGED):
            raise CommandError(f"Nothing was changed: {outcome.value.replace('_', ' ')}.")
        self.stdout.write(self.style.SUCCESS(f"It is again as it was at revision {revision}."))

    def _list(self, document: Document, limit: int) -> None:
        self.stdout.write(f"{document} is at revision {document.revision}.")
        for change in revisions.changes(document, most=max(1, limit)):
            self.stdout.write(f"{change.row.revision:>6}  until {change.row.at:%Y-%m-%d %H:%M:%S}  {_what(change)}")


def _what(change: Change) -> str:
    who = change.row.by.get_username() if change.row.by else ""
    signed = ", ".join(filter(None, (who, str(change.row.get_how_display()), change.row.detail)))
    fields = "; ".join(
        f"{name}: {_short(change.before[name])} → {_short(change.after[name])}" for name in change.before
    )
    return f"{signed}  {fields}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN_CHARS else line[:_SHOWN_CHARS] + "…")
