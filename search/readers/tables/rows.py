"""What all readers of rows share: the record of a row, the record of one that failed, and the names of columns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO

from search.readers.base import Limits, Record, UnreadableFile
from search.readers.text.markdown_text import one_line
from search.readers.text.text_lines import excerpt_chars
from search.storable import storable

_NAME_CHARS = 200  # of a column; more than that is a text, not a name


def row(number: int, values: Mapping[str, Any], original: str, limits: Limits) -> Record:
    """Return the record of a row whose strings can be stored, or why it has none: a text or a width above a limit."""
    if len(values) > limits.columns:
        return failed(number, original, f"It has {len(values):,} values; {limits.columns:,} is the most.", limits)
    if len(original) > limits.text_chars:
        for name, value in values.items():
            if isinstance(value, str) and len(value) > limits.text_chars:
                reason = (
                    f"“{name}” has {len(value):,} characters; {limits.text_chars:,} is the most that a text may have."
                )
                return failed(number, original, reason, limits)
    return Record(number, values, original)


def failed(number: int, original: str, error: str, limits: Limits) -> Record:
    """Return the record of a row that cannot be read."""
    if len(original) > limits.row_bytes:
        original = original[: excerpt_chars(limits)] + "…"
    return Record(number, original=storable(original), error=storable(error))


def too_long(number: int, beginning: str, limits: Limits) -> Record:
    """Return the record of a row longer than a row may be, with its beginning to recognise it by."""
    reason = f"It is longer than the {limits.row_bytes:,} bytes that one row may have."
    return failed(number, beginning[: excerpt_chars(limits)] + "…", reason, limits)


def column_names(cells: Sequence[str], limits: Limits) -> list[str]:
    """Return clear and different names for the columns of a header row. Raises UnreadableFile if it is none."""
    if len(cells) > limits.columns:
        raise UnreadableFile(f"It has {len(cells):,} columns; {limits.columns:,} is the most.")
    names = [one_line(cell) for cell in cells]
    taken: set[str] = set()
    for index, name in enumerate(names):
        if len(name) > _NAME_CHARS:
            raise UnreadableFile(
                f"Its first row must name the columns, but column {index + 1} there has {len(name):,} characters. "
                "Put a row with names above it."
            )
        names[index] = different(name or f"column {index + 1}", taken)
        taken.add(names[index])
    return names


def refuse_too_large(file: BinaryIO, limits: Limits) -> None:
    """Raise UnreadableFile when a file is larger than a file may be."""
    if file.seek(0, 2) > limits.file_bytes:
        raise UnreadableFile(f"It is larger than the {limits.file_bytes:,} bytes that one file may have.")
    file.seek(0)


def different(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number behind it if it is taken."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate
