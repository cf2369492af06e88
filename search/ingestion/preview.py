"""What an import would do, shown on its first rows: read in the sandbox, judged as the real thing, written nowhere."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from django.utils.translation import gettext as _

from search.ingestion import batches, file_checks, identities, mapping, open_files, unpacking, uploads
from search.ingestion.limits import limits
from search.ingestion.records import Checked, check
from search.models import ImportFile, ImportJob
from search.models.imports import place_in
from search.readers.base import FileNotes, Record, UnreadableFile
from search.readers.child_process.reader_process import ReadersUnavailable
from search.readers.child_process.sandbox import Sandbox

_SHORT = 300
_WITH_COLUMNS = {".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".json"}
_CHECKED_FILES = 10  # at the start of an import; where there are more, each file is checked when it is read


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A file as far as its first records tell; `error` says why it cannot be read."""

    name: str
    format: str = ""
    tabular: bool = False
    columns: tuple[str, ...] = ()
    error: str = ""
    notes: FileNotes = field(default_factory=FileNotes)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A record as the document that it would become; long texts are shortened."""

    file: str
    number: int
    place: str  # in words, "" for a file that is one document
    outcome: str
    external_id: str
    values: Mapping[str, Any]
    columns: Mapping[str, Any]
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of an import; `mapping` is the job's own, or the one its columns' names suggest."""

    files: tuple[FilePreview, ...]
    more_files: int
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    rows: tuple[PreviewRow, ...]
    warnings: tuple[str, ...]
    looked_into: int  # of the files that were sent
    rows_of_each: int
    files_of_an_archive: int


def _telling(job: ImportJob, most: int) -> list[ImportFile]:
    """Return the files to look into: those with columns first, for columns are what somebody has to map."""
    names = job.files.filter(parent=None).order_by("pk").values_list("pk", "name")
    wanted = sorted(names, key=lambda row: PurePosixPath(row[1].lower()).suffix not in _WITH_COLUMNS)[:most]
    there = job.files.in_bulk([pk for pk, _ in wanted])
    return [there[pk] for pk, _ in wanted]


def preview(job: ImportJob, *, rows: int = 10, files: int = 5) -> Preview:
    """Return what the first `rows` records of the first `files` files would become."""
    first = _telling(job, files)
    seen: list[FilePreview] = []
    samples: list[tuple[ImportFile, list[Record]]] = []
    with Sandbox(limits()) as sandbox, TemporaryDirectory() as scratch:
        for file, path in _expanded(first, sandbox, Path(scratch).resolve(), seen, files):
            _look(file, path, sandbox, rows, seen, samples)
    columns = tuple(dict.fromkeys(column for item in seen if item.tabular for column in item.columns))
    if not job.mapping:
        job.mapping = mapping.guess(columns)
    found = [(file, record) for file, records in samples for record in records][: rows * 2]
    return Preview(
        files=tuple(seen),
        more_files=max(0, job.files.filter(parent=None).count() - len(first)),
        columns=columns,
        mapping={column: job.mapping.get(column, "") for column in columns}
        | mapping.guess_rest(job.mapping, [column for column in columns if column not in job.mapping]),
        rows=tuple(_judged(job, found)),
        warnings=tuple(_warnings(job, columns)),
        looked_into=len(first),
        rows_of_each=rows,
        files_of_an_archive=files,
    )


def unknown_columns(job: ImportJob) -> str:
    """Say which columns that a job names are in none of its files; "" when all are, or not all can be looked at."""
    if not (job.mapping or job.key_column):
        return ""
    first = list(job.files.filter(parent=None).order_by("pk")[: _CHECKED_FILES + 1])
    if len(first) > _CHECKED_FILES or any(unpacking.is_archive(file) for file in first):
        return ""
    seen: list[FilePreview] = []
    try:
        with Sandbox(limits()) as sandbox:
            for file in first:
                _look(file, uploads.path_of(file), sandbox, open_files.BATCH_RECORDS, seen, [])
    except ReadersUnavailable:
        return ""
    problems = [file_checks.missing(job, item.columns) for item in seen if item.tabular]
    return problems[0] if problems and all(problems) else ""


def _expanded(
    files: list[ImportFile], sandbox: Sandbox, scratch: Path, seen: list[FilePreview], most: int
) -> list[tuple[ImportFile, Path]]:
    """Return the files with, in place of each archive, its first entries."""
    result: list[tuple[ImportFile, Path]] = []
    for file in files:
        if not unpacking.is_archive(file):
            result.append((file, uploads.path_of(file)))
            continue
        seen.append(FilePreview(file.name, format="archive"))
        folder = scratch / str(file.pk)
        folder.mkdir()
        try:
            entries = islice(sandbox.unpack(uploads.path_of(file), file.name, folder), most)
            result.extend(
                (ImportFile(job=file.job, name=entry.name, size=entry.size), entry.path)
                for entry in entries
                if entry.path is not None and not entry.error
            )
        except (UnreadableFile, ReadersUnavailable) as error:
            seen[-1] = FilePreview(file.name, format="archive", error=str(error))
    return result


def _look(
    file: ImportFile,
    path: Path,
    sandbox: Sandbox,
    rows: int,
    seen: list[FilePreview],
    samples: list[tuple[ImportFile, list[Record]]],
) -> None:
    try:
        reading = sandbox.read(path, file.name, encoding=file.job.encoding)
        with closing(reading.records) as records:
            sample = list(islice(records, rows))
    except (UnreadableFile, ReadersUnavailable) as error:
        seen.append(FilePreview(file.name, error=str(error)))
        return
    file.format, file.tabular = reading.format, reading.tabular
    columns = dict.fromkeys(str(column) for record in sample for column in record.values)
    shown = tuple(columns) if reading.tabular else ()
    seen.append(FilePreview(file.name, reading.format, reading.tabular, shown, notes=reading.notes))
    samples.append((file, sample))


def _judged(job: ImportJob, found: list[tuple[ImportFile, Record]]) -> list[PreviewRow]:
    pieces = identities.refuse_repeated((file, check(job, file, record)) for file, record in found)
    checked = [item for _file, item in pieces]
    report = batches.judge(job, checked, keep=False)
    names = {"duplicates": "duplicate"}
    return [
        PreviewRow(
            file=file.name,
            number=record.number,
            place=place_in(file.format, record.number, record.place) if file.tabular else "",
            outcome=names.get(outcome, outcome),
            external_id=item.external_id,
            values=_shortened(_fields(item)),
            columns=_shortened(record.values) if file.tabular else {},
            problems=problems,
        )
        for (file, record), item, outcome, problems in zip(
            found, checked, report.outcomes, report.problems, strict=True
        )
    ]


def _fields(item: Checked) -> dict[str, Any]:
    if item.write is None:
        return {}
    groups = {} if item.write.groups is None else {"groups": list(item.write.groups)}
    return {**item.write.values, **groups}


def _shortened(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value[:_SHORT]}…" if isinstance(value, str) and len(value) > _SHORT else value
        for name, value in values.items()
    }


def _warnings(job: ImportJob, columns: tuple[str, ...]) -> list[str]:
    if not columns:
        return []
    warnings = []
    targets = set(job.mapping.values())
    if "external_id" not in targets and not job.key_column:
        warnings.append(
            _(
                "No column identifies a row: rows get the file's name and their number as id. Importing the file again "
                "after rows were inserted or sorted would change other documents. Choose a key column if there is one."
            )
        )
    if not targets & {"title", "body"}:
        warnings.append(_("No column is mapped to the title or the body: the documents would be empty."))
    return warnings
