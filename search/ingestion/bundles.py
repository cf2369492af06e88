"""A whole collection in one ZIP file, its settings and its documents, to be carried to another installation.

A bundle is read as what it says of itself: its settings are checked as a form's would be, its documents come in by an
import like any other. Indexes are not in it: they are built anew from the documents.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from search.conf import conf
from search.ingestion import curation_lines, export, jobs, judgments
from search.models import Collection, Document, ImportJob

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

FORMAT = "semsearch-collection"
VERSION = 1
SETTINGS = "collection.json"
DOCUMENTS = "documents.jsonl"
_SETTINGS_FIELDS = (
    "slug", "name", "description", "encoder_name", "encoder_revision", "encoder_runtime",
    "chunking", "engine", "engine_options", "retrieval",
)  # fmt: skip
_MOST_SETTINGS_BYTES = 10_000_000
_MOST_LINE_BYTES = 10_000_000
_PIECE_BYTES = 1 << 20
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)  # the same collection gives the same bytes, whenever


class BadBundle(ValueError):
    """The file is no bundle that can be taken in here; the message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file in the bundle beside its settings; `read` takes its lines in, where an import does not."""

    name: str
    write: Callable[[Collection], Iterator[bytes]]
    read: Callable[[Collection, Iterable[bytes]], object] | None = None


PARTS = (
    Part(DOCUMENTS, export.jsonl),
    Part("judgments.jsonl", judgments.jsonl, judgments.take_in),
    Part("curation-rules.jsonl", curation_lines.rules_jsonl, curation_lines.take_in_rules),
    Part("synonym-groups.jsonl", curation_lines.synonyms_jsonl, curation_lines.take_in_synonyms),
)


def bundle(collection: Collection) -> Iterator[bytes]:
    """Yield the bytes of a collection's bundle, some at a time."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(SETTINGS), json.dumps(_settings(collection), ensure_ascii=False, indent=2))
        for part in PARTS:
            with archive.open(_entry(part.name), "w", force_zip64=True) as handle:
                for piece in part.write(collection):
                    handle.write(piece)
                    yield sink.taken()
    yield sink.taken()


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to export a collection: the pieces of the file, its type, and its name's ending."""

    pieces: Callable[[Collection], Iterator[bytes]]
    content_type: str
    ending: str

    def file_name(self, collection: Collection) -> str:
        """Return what the file is called that somebody downloads."""
        return f"{collection.slug}.{self.ending}"


FORMATS = {
    "bundle": ExportFormat(bundle, "application/zip", "zip"),
    "csv": ExportFormat(export.csv_table, "text/csv; charset=utf-8", "csv"),
    "jsonl": ExportFormat(export.jsonl, "application/x-ndjson", "jsonl"),
}


def format_of(name: str) -> str:
    """Return the format that a file's name asks for; a bundle unless it says otherwise."""
    ending = name.rpartition(".")[2].lower()
    return next((key for key, item in FORMATS.items() if item.ending == ending), "bundle")


def take_in(path: Path, *, slug: str = "", by: "AbstractBaseUser | None" = None) -> ImportJob:
    """Make the collection of a bundle, under another slug if given, and return the queued import of its documents.

    A collection of that slug must not be there yet, or have no documents: what an interrupted attempt left is taken
    up again. Groups that are not here are made, without members. Raises BadBundle and jobs.BadImport.
    """
    with _opened(path) as archive:
        settings = _read_settings(archive)
        with transaction.atomic():
            collection = _collection(settings["collection"], slug)
            for name in settings["groups"]:
                Group.objects.get_or_create(name=name)
            _read_parts(archive, collection)
            options = jobs.ImportOptions(mapping={name: name for name in export.FIELDS})
            job = jobs.create(collection, source=ImportJob.Source.UPLOAD, name=path.name, options=options, by=by)
        with archive.open(DOCUMENTS) as handle:
            jobs.add_file(job, DOCUMENTS, iter(lambda: handle.read(_PIECE_BYTES), b""))
    jobs.start(job)
    return job


def _settings(collection: Collection) -> dict[str, Any]:
    groups = Group.objects.filter(pk__in=Document.groups.through.objects.filter(
        document__collection=collection
    ).values("group_id"))  # fmt: skip
    return {
        "format": FORMAT,
        "version": VERSION,
        "collection": {name: getattr(collection, name) for name in _SETTINGS_FIELDS},
        "groups": sorted(groups.values_list("name", flat=True)),
        "parts": [part.name for part in PARTS],
    }


def _read_parts(archive: zipfile.ZipFile, collection: Collection) -> None:
    """Take in what is in the bundle besides documents; an older one has less."""
    there = set(archive.namelist())
    for part in PARTS:
        if part.read is not None and part.name in there:
            with archive.open(part.name) as handle:
                lines = iter(partial(handle.readline, _MOST_LINE_BYTES), b"")
                try:
                    part.read(collection, lines)
                except (judgments.BadJudgments, curation_lines.BadCuration) as error:
                    raise BadBundle(f"{part.name}: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        raise BadBundle(_("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error.strerror}) from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadBundle(
            _("%(file)s is damaged, or not a bundle made by export_collection: %(reason)s.")
            % {"file": path, "reason": error}
        ) from None


def _read_settings(archive: zipfile.ZipFile) -> dict[str, Any]:
    missing = [name for name in (SETTINGS, DOCUMENTS) if name not in archive.namelist()]
    if missing:
        raise BadBundle(_("There is no %s in it: this is not a bundle made by export_collection.") % missing[0])
    with archive.open(SETTINGS) as handle:
        data = handle.read(_MOST_SETTINGS_BYTES + 1)
    try:
        settings = json.loads(data[:_MOST_SETTINGS_BYTES])
    except (ValueError, RecursionError) as error:
        raise BadBundle(_("Its %(name)s cannot be read: %(reason)s.") % {"name": SETTINGS, "reason": error}) from None
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise BadBundle(_("Its %s is not that of a bundle made by export_collection.") % SETTINGS)
    if settings.get("version") != VERSION:
        raise BadBundle(
            _("It is a bundle of version %(found)s; this installation reads version %(known)d. Update it.")
            % {"found": settings.get("version"), "known": VERSION}
        )
    return settings if _is_whole(settings) else _refuse_incomplete()


def _is_whole(settings: dict[str, Any]) -> bool:
    fields, groups = settings.get("collection"), settings.get("groups")
    return (
        isinstance(fields, dict)
        and set(fields) == set(_SETTINGS_FIELDS)
        and all(isinstance(fields[name], dict | str) for name in fields)
        and isinstance(groups, list)
        and all(isinstance(name, str) and 0 < len(name) <= 150 for name in groups)
    )


def _refuse_incomplete() -> Any:
    raise BadBundle(_("Its %s lacks settings, or holds some that are none.") % SETTINGS)


def _collection(fields: dict[str, Any], slug: str) -> Collection:
    """Return the saved collection of a bundle's settings."""
    wanted = slug or fields["slug"]
    collection = Collection.objects.filter(slug=wanted).first() or Collection()
    if collection.pk and collection.documents.exists():
        raise BadBundle(
            _("There is a collection %s with documents here already. Name another one with --slug.") % wanted
        )
    for name, value in {**fields, "slug": wanted}.items():
        setattr(collection, name, value)
    if collection.engine not in conf().ENGINES:
        raise BadBundle(
            _("It needs the engine %(engine)s, which is not set up here; known: %(known)s.")
            % {"engine": collection.engine, "known": ", ".join(conf().ENGINES)}
        )
    try:
        collection.full_clean()
    except ValidationError as error:
        reasons = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        raise BadBundle(_("Its settings cannot be used here: %s") % reasons) from None
    collection.save()
    return collection


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WRITTEN_AT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


class _Sink:
    """A file that cannot be rewound, for the ZIP to be written into; what was written is taken out again."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is all in memory, for a moment."""

    def close(self) -> None:
        """Do nothing: what is left is taken out."""

    def taken(self) -> bytes:
        """Return what has been written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
