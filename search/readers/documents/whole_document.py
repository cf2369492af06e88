"""What all readers of files that are one document share: size, damage, a title when there is none, the one record.

Never leaves a parser's exception to the caller: whatever a broken file makes a parser raise ends as UnreadableFile.
"""

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO, ClassVar

from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.readers.text.markdown_text import one_line
from search.storable import storable_json

_TITLE_CHARS = 1_000  # what a document's title can hold


class DocumentReader(Reader):
    """Reads a file as exactly one record; subclasses say in `values` what is in it."""

    kind: ClassVar[str]  # what people call such a file, for messages
    title_is_enough: ClassVar[bool] = False  # whether a document with a title of its own may have an empty text

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        refuse_too_large(file, self.limits)
        try:
            values = self.values(file, path)
        except (UnreadableFile, MemoryError):
            raise
        except RecursionError as error:
            raise UnreadableFile(f"This {self.kind} is nested too deeply to be read.") from error
        except Exception as error:  # parsers raise anything on broken input
            raise UnreadableFile(f"This {self.kind} is damaged and cannot be read: {words_of(error)}.") from error
        fields = tidy(values, path)
        if not fields["body"].strip() and not (self.title_is_enough and values.get("title")):
            raise UnreadableFile(f"There is no text in this {self.kind}.")
        yield Record(number=1, values=fields)

    @abstractmethod
    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        """Return the fields of the document; empty ones are left out afterwards."""


def refuse_too_large(file: BinaryIO, limits: Limits) -> None:
    """Raise UnreadableFile for a file of more bytes than one may have; leaves it at its beginning."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > limits.file_bytes:
        raise UnreadableFile(f"The file has {size:,} bytes; the limit is {limits.file_bytes:,}. Split it.")


def whole(file: BinaryIO, limits: Limits) -> bytes:
    """Return all bytes of a file, or raise UnreadableFile when they are too many."""
    refuse_too_large(file, limits)
    return file.read()


def words_of(error: Exception) -> str:
    """Return what a parser says, short and without what only a programmer can use."""
    words = one_line(str(error))[:200].rstrip(". ")
    return words if words and "object at 0x" not in words else type(error).__name__


def tidy(values: Mapping[str, Any], path: PurePosixPath) -> dict[str, Any]:
    """Return fields without the unknown ones, with a title, and with nothing that cannot be stored."""
    title = one_line(str(values.get("title") or "")) or one_line(path.stem)
    if len(title) > _TITLE_CHARS:
        title = title[: _TITLE_CHARS - 1] + "…"
    metadata = {key: value for key, value in values.get("metadata", {}).items() if value not in (None, "", [], {})}
    fields = {**values, "title": title, "metadata": storable_json(metadata)}
    return {key: value for key, value in fields.items() if value or key == "body"}
