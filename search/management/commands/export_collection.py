"""`manage.py export_collection`: writes a collection into a file, whole or not at all. Changes nothing."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search.files import fsync_path, scratch_file
from search.ingestion import bundles
from search.models import Collection


class Command(BaseCommand):
    """Streams a collection to a file, or to the standard output."""

    help = "Export a collection: as a bundle to be carried elsewhere, as JSON Lines, or as CSV for people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="slug of the collection")
        parser.add_argument("--to", required=True, metavar="FILE", help="where to write it; - for the standard output")
        parser.add_argument(
            "--format", choices=sorted(bundles.FORMATS), help="default: as the file's ending says, else a bundle"
        )

    def handle(self, *args: Any, slug: str, to: str, **options: Any) -> None:
        collection = Collection.objects.filter(slug=slug).first()
        if collection is None:
            raise CommandError(f"There is no collection {slug!r}.")
        chosen = bundles.FORMATS[options["format"] or bundles.format_of(to)]
        if to == "-":
            for piece in chosen.pieces(collection):
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        try:
            size = _write(Path(to), chosen.pieces(collection))
        except OSError as error:
            raise CommandError(f"{to} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{to}: {size:,} bytes")


def _write(path: Path, pieces: Iterator[bytes]) -> int:
    """Write a file that only its owner may read, complete or not at all; return how many bytes."""
    with scratch_file(path.absolute().parent, ".part") as scratch:
        with scratch.open("wb") as handle:
            for piece in pieces:
                handle.write(piece)
            size = handle.tell()
        fsync_path(scratch)
        scratch.replace(path)
        fsync_path(path.absolute().parent)
    return size
