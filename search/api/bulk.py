"""Many documents in one request: validated one by one, written some hundred at a time.

No transaction is long, so that nobody waits for SQLite's one writer. A line that cannot be written is
reported and stops no other. What was written stays written, whatever happens to later lines.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, WriteResult, write_documents
from search.models import Collection
from search.models.corpus import NO_AUDIENCE, new_external_id

from .document_answers import check_identity, refusal, unknown_groups
from .document_serializers import DocumentSerializer, document_write
from .json_reading import Line
from .problems import field_errors, shortened

MAX_LINES = 10_000
"""Of a JSON list, which has to be held whole. Lines may be any number."""

LINES_PER_TRANSACTION = 500
_BATCH_BYTES = 4 * 1024 * 1024

logger = logging.getLogger(__name__)


class Status(StrEnum):
    """What became of a line."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line; `errors` are {pointer, detail}."""

    line: int
    status: Status
    id: int | None = None
    external_id: str | None = None
    errors: tuple[dict[str, str], ...] = ()


Batch = list[tuple[Line, LineResult]]
_Checked = tuple[int, DocumentWrite] | LineResult


def write_lines(
    collection: Collection, lines: Iterable[Line], rights: Rights, *, most: int | None = None
) -> Iterator[Batch]:
    """Write each line as a document of `collection`; yield batch by batch what became of them, in their order.

    Of more than `most` lines, the first one over it is answered with an error and no other is read.
    """
    remaining = iter(lines)
    serializer = DocumentSerializer()
    for batch in _batches(remaining if most is None else islice(remaining, most)):
        results = _write_batch(collection, [_checked(line, collection, serializer) for line in batch], rights)
        yield list(zip(batch, results, strict=True))
    if most is not None and (line := next(remaining, None)) is not None:
        detail = _("A JSON list takes %d documents. This one and all after it were not read; send lines instead.")
        yield [(line, _error(line.number, None, detail % most))]


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Yield lines some hundred at a time, and fewer where they are long."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line.raw)
        if len(batch) >= LINES_PER_TRANSACTION or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _checked(line: Line, collection: Collection, serializer: DocumentSerializer) -> _Checked:
    if line.error:
        return _error(line.number, None, line.error)
    try:
        values = serializer.run_validation(line.value)
        external_id = values.get("external_id") or new_external_id()
        check_identity(values, collection.slug, external_id)
    except ValidationError as error:
        return LineResult(
            line.number, Status.ERROR, external_id=_named(line.value), errors=tuple(field_errors(error.detail))
        )
    return line.number, document_write(values, external_id)


def _write_batch(collection: Collection, checked: Sequence[_Checked], rights: Rights) -> Iterator[LineResult]:
    writes = [item[1] for item in checked if isinstance(item, tuple)]
    try:
        results = iter(write_documents(collection, writes, rights))
    except DatabaseError:
        logger.exception("A batch of %d documents for collection %s was not written", len(writes), collection.slug)
        detail = _("The database did not take this line and those sent with it. Send them again.")
        for item in checked:
            yield item if isinstance(item, LineResult) else _error(item[0], item[1].external_id, detail)
        return
    for item in checked:
        yield item if isinstance(item, LineResult) else _line_result(item[0], next(results))


def _line_result(number: int, result: WriteResult) -> LineResult:
    if result.outcome is Outcome.UNKNOWN_GROUPS:
        return _error(number, result.external_id, unknown_groups(result), "#/groups")
    if result.outcome is Outcome.NO_AUDIENCE:
        return _error(number, result.external_id, str(NO_AUDIENCE), "#/groups")
    if result.outcome in (Outcome.MAY_NOT_CREATE, Outcome.MAY_NOT_REPLACE):
        return _error(number, result.external_id, refusal(result))
    return LineResult(number, Status(result.outcome.value), result.document_id, result.external_id)


def _error(number: int, external_id: str | None, detail: str, pointer: str = "#") -> LineResult:
    named = None if external_id is None else shortened(external_id)
    return LineResult(number, Status.ERROR, None, named, ({"pointer": pointer, "detail": shortened(detail)},))


def _named(value: Any) -> str | None:
    """Return the external id that a refused line named, safe to send back."""
    external_id = value.get("external_id") if isinstance(value, dict) else None
    return shortened(external_id) if isinstance(external_id, str) else None
