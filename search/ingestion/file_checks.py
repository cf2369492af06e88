"""What makes a file as a whole useless to an import, though it can be read: nothing in it, or not the columns named.

Looks at the records of its first batch only. Writes nothing.
"""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from search.ingestion import mapping, row_marks
from search.models import ImportFile, ImportJob
from search.readers.base import Record, UnreadableFile

_MOST_NAMED = 30


def check(job: ImportJob, file: ImportFile, records: Sequence[Record]) -> None:
    """Raise UnreadableFile for a document without text, and for rows without a column that the import names."""
    if file.cursor:
        return
    if not file.tabular:
        if all(not record.error and not str(record.values.get("body", "")).strip() for record in records):
            raise UnreadableFile(_("It holds no text. A scan has to be recognised (OCR) first."))
    elif problem := missing(job, {str(column) for record in records for column in record.values}):
        raise UnreadableFile(problem)


def check_end(file: ImportFile) -> None:
    """Raise UnreadableFile for a file that was read to its end and had nothing in it."""
    if not file.cursor:
        raise UnreadableFile(_("There is not a single row in it.") if file.tabular else _("It holds no text."))


def missing(job: ImportJob, columns: Iterable[str]) -> str:
    """Say which columns that the import names are not among these; "" when all are, or nothing can be told.

    Rows that failed once and are sent again have each what they have.
    """
    found = set(columns)
    given = sorted(found - set(mapping.NOTES))
    wanted = [
        *(column for column, field in job.mapping.items() if field),
        *([job.key_column] if job.key_column else []),
    ]
    lacking = [column for column in dict.fromkeys(wanted) if column not in given]
    if not lacking or not given or row_marks.IMPORT in found:
        return ""
    return _("There is no column %(lacking)s; its columns are %(columns)s.") % {
        "lacking": ", ".join(f"“{column}”" for column in lacking),
        "columns": ", ".join(f"“{column}”" for column in given[:_MOST_NAMED])
        + (" …" if len(given) > _MOST_NAMED else ""),
    }
