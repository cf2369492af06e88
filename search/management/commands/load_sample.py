"""`load_sample`: fills a collection with the documentation of Python's standard library. Encodes nothing."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import slug_re
from django.utils.translation import gettext as _
from tqdm import tqdm

from search.ingestion import sample_loader
from search.sample.docstrings import Entry
from search.sample.stdlib_reader import SampleUnreadable


class Command(BaseCommand):
    """Loads the sample corpus once; with --force again."""

    help = "Load the documentation of Python's standard library as a sample collection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=_count, help=_("Load only the first so many documents."))
        parser.add_argument("--collection", type=_slug, default=sample_loader.SLUG, help=_("Slug of the collection."))
        parser.add_argument(
            "--force", action="store_true", help=_("Load also when the collection exists; brings back deleted ones.")
        )

    def handle(self, *args: Any, limit: int | None, collection: str, force: bool, **options: Any) -> None:
        try:
            report = sample_loader.load(slug=collection, limit=limit, force=force, progress=self._bar)
        except SampleUnreadable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_said(report))

    def _bar(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        # disable=None: no bar where nobody watches, such as in a log file.
        return iter(tqdm(entries, desc=_("Loading the sample"), unit=" docs", disable=None))


def _said(report: sample_loader.LoadReport) -> str:
    slug = report.collection.slug
    if not report.loaded:
        return _("Collection %(slug)s exists already; nothing was loaded. Add --force to load the sample again.") % {
            "slug": slug
        }
    return _(
        "Collection %(slug)s: %(created)d documents new, %(changed)d changed, %(unchanged)d unchanged. "
        "The worker indexes what is new."
    ) % {"slug": slug, "created": report.created, "changed": report.changed, "unchanged": report.unchanged}


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of documents; give 1 or more.")
    return int(text)


def _slug(text: str) -> str:
    if not slug_re.fullmatch(text) or len(text) > 80:
        raise ArgumentTypeError(f"{text!r} is not a slug: letters, digits, hyphens and underscores, at most 80.")
    return text
