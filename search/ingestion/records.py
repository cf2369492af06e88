"""Records of files → writes of documents: mapped, completed with the job's defaults, checked. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.ingestion import mapping as columns
from search.ingestion.document_writes import DocumentWrite
from search.ingestion.validation import BadValues, check_document
from search.models import ImportFile, ImportJob
from search.readers.base import Record
from search.storable import storable_json


@dataclass(frozen=True, slots=True)
class Checked:
    """A record that can be written, or why it cannot be: `problems` by field, "" for the record as a whole."""

    record: Record
    external_id: str = ""
    write: DocumentWrite | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


def check(job: ImportJob, file: ImportFile, record: Record) -> Checked:
    """Return a record as the write that it asks for."""
    if record.error:
        return Checked(record, problems={"": record.error})
    try:
        mapped = _mapped(job, file, record)
    except ValueError as error:
        return Checked(record, problems={"": str(error)})
    values = {name: value for name, value in job.defaults.items() if name != "groups"}
    values |= storable_json(dict(mapped.values))
    groups = mapped.groups if mapped.groups is not None else _default_groups(job)
    try:
        check_document(mapped.external_id, values)
    except BadValues as error:
        return Checked(record, mapped.external_id, problems=error.problems)
    return Checked(record, mapped.external_id, DocumentWrite(mapped.external_id, values, groups))


def _mapped(job: ImportJob, file: ImportFile, record: Record) -> columns.Mapped:
    if file.tabular:
        fallback = f"{file.name}#{record.number}"
        return columns.apply(job.mapping, record.values, key_column=job.key_column, fallback_id=fallback)
    values: dict[str, Any] = dict(record.values)
    values["metadata"] = {**values.get("metadata", {}), "path": file.name}
    return columns.Mapped(file.name, values)


def _default_groups(job: ImportJob) -> tuple[str, ...] | None:
    names = job.defaults.get("groups")
    return None if names is None else tuple(names)
