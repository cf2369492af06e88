"""Records of files → writes of documents: mapped, completed with the job's defaults, checked. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from search.ingestion import mapping as columns
from search.ingestion.document_writes import DocumentWrite
from search.ingestion.validation import BadValues, check_document
from search.models import ImportFile, ImportJob
from search.readers.base import Record
from search.storable import storable_json

_NAMED = 6  # columns in a message


@dataclass(frozen=True, slots=True)
class Checked:
    """A record that can be written, or why it cannot be: `problems` by field, "" for the record as a whole."""

    record: Record
    external_id: str = ""
    write: DocumentWrite | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    is_second: bool = False  # refused because another record has its identity


def check(job: ImportJob, file: ImportFile, record: Record) -> Checked:
    """Return a record as the write that it asks for."""
    if record.error:
        return Checked(record, problems={"": record.error})
    if not any(_says_something(value) for name, value in record.values.items() if name not in columns.NOTES):
        return Checked(record, problems={"": _("It is empty.")})
    try:
        mapped = _mapped(job, file, record)
    except ValueError as error:
        return Checked(record, problems={"": str(error)})
    if not mapped.external_id.strip():
        return Checked(record, problems={"external_id": _no_identity(job, record)})
    values = {name: value for name, value in job.defaults.items() if name != "groups"}
    values |= storable_json(dict(mapped.values))
    groups = mapped.groups if mapped.groups is not None else _default_groups(job)
    try:
        check_document(mapped.external_id, values)
        _check_text(job, file, record, mapped.values)
    except BadValues as error:
        return Checked(record, mapped.external_id, problems=error.problems)
    return Checked(record, mapped.external_id, DocumentWrite(mapped.external_id, values, groups))


def _mapped(job: ImportJob, file: ImportFile, record: Record) -> columns.Mapped:
    if file.tabular:
        named = job.key_column or columns.identifying(job.mapping, record.values)
        fallback = "" if named else f"{file.name}#{record.number}"
        return columns.apply(job.mapping, record.values, key_column=job.key_column, fallback_id=fallback)
    values: dict[str, Any] = dict(record.values)
    values["metadata"] = {**values.get("metadata", {}), "path": file.name}
    return columns.Mapped(file.name, values)


def _no_identity(job: ImportJob, record: Record) -> str:
    names = columns.identifying(job.mapping, record.values) or [job.key_column]
    return _("Column “%(column)s”, which identifies a row, is empty. Fill it in.") % {"column": names[0]}


def _check_text(job: ImportJob, file: ImportFile, record: Record, values: Mapping[str, Any]) -> None:
    """Raise BadValues for a row whose text is empty, or its title where it has no column for the text.

    One that has neither can only be meant for a document that is there, and has to say which. A row with anchors is a
    line of an export: the document that it was is the one that is meant.
    """
    if file.tabular and not {"title", "body"} & values.keys():
        if job.key_column or columns.identifying(job.mapping, record.values):
            return
        named = [name for name in record.values if name not in columns.NOTES]
        shown = ", ".join(f"“{name}”" for name in named[:_NAMED]) + (", …" if len(named) > _NAMED else "")
        raise BadValues({"": _("None of its columns is the title or the text: %s. Say which column is which.") % shown})
    name = next((name for name in ("body", "title") if name in values), "")
    if name and not _says_something(values[name]) and "anchors" not in record.values:
        raise BadValues({name: _("It is empty. Fill it in, or take the row out.")})


def _says_something(value: Any) -> bool:
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def _default_groups(job: ImportJob) -> tuple[str, ...] | None:
    names = job.defaults.get("groups")
    return None if names is None else tuple(names)
