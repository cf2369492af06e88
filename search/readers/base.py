"""What a reader is: the bytes of one file in, records out, each with its text and what is known of it.

No Django here. A reader trusts nothing that it reads, but limits neither memory nor time itself: it runs in a
child process (`sandbox.py`) that does.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, ClassVar


class UnreadableFile(ValueError):
    """The file cannot be read as a whole; the message tells a curator why, and what would do."""


class NoDocument(UnreadableFile):
    """The file is of a kind that holds no text, as images and fonts do; `kind` says which, in words."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def row_bytes_for(text_chars: int) -> int:
    """Return how long a row may be, so that JSON of any text of so many characters fits, with room for the rest.

    A control character takes the most: six characters, as in `\\u001f`.
    """
    return 6 * text_chars + (16 << 20)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Sizes in bytes, times in seconds; all are upper bounds."""

    file_bytes: int = 4 << 30
    text_chars: int = 10_000_000  # of one record's text
    row_bytes: int = 76 << 20  # of one line or row; a text of `text_chars` fits, however it is escaped
    columns: int = 1_000
    pages: int = 5_000
    entries: int = 20_000  # of an archive, and of a packed document such as DOCX
    unpacked_bytes: int = 8 << 30  # of an archive, all entries together
    ratio: int = 200  # unpacked to packed, of an archive above 10 MB unpacked
    archive_depth: int = 2  # an archive in an archive, and no deeper
    memory_bytes: int = 1 << 30
    cpu_seconds: int = 120  # of a file that is one document; for one with rows, between two batches of them
    wall_seconds: float = 300.0  # without any record in between


@dataclass(frozen=True, slots=True)
class FileNotes:
    """What a curator should know of a file beside its records: how its text was read, and what to look at again."""

    encoding: str = ""  # Python's name of it; "" where the format leaves no choice
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """What a reader finds out on its way through one file."""

    encoding: str = ""
    doubtful: bool = False  # it was guessed, and another one is nearly as likely
    unreadable: int = 0  # characters that stand as U+FFFD now
    like_utf8: int = 0  # lines that are UTF-8 by all appearance, in a text that was read in another encoding
    remarks: list[str] = field(default_factory=list)

    def told(self) -> FileNotes:
        """Return them in words."""
        name = self.encoding
        warnings = list(self.remarks)
        if self.doubtful:
            warnings.append(
                f"It does not say its encoding; {name} is a guess. Where letters look wrong, say the encoding and "
                "import it again."
            )
        if self.unreadable:
            what = "1 character" if self.unreadable == 1 else f"{self.unreadable:,} characters"
            warnings.append(
                f"{what} could not be read in {name} and became \ufffd. Say the encoding, or save it as UTF-8."
            )
        if self.like_utf8:
            what = "1 line looks" if self.like_utf8 == 1 else f"{self.like_utf8:,} lines look"
            warnings.append(
                f"{what} like UTF-8, but the file was read in {name}: it mixes encodings. Save it as UTF-8."
            )
        return FileNotes(name, tuple(warnings))


@dataclass(frozen=True, slots=True)
class Record:
    """One document's worth of a file, or the reason why there is none.

    `values` of a tabular reader are the columns as they stand, any JSON value. Those of every other reader are
    fields: `title`, `body`, `language` (as BCP 47, when known), `url`, `metadata` (an object) and `anchors`, a list of
    [offset in characters of the body, label] in ascending order, for example [[0, "page 1"], [1830, "page 2"]].
    A body with structure is Markdown: headings as `#` lines, tables as rows with ` | ` between cells.
    """

    number: int  # the line (CSV, JSONL), row (XLSX) or place (JSON) where it begins, from 1; 1 for a file
    values: Mapping[str, Any] = field(default_factory=dict)
    original: str = ""  # a row's text as it stood, to be shown and mended; empty for a whole file
    error: str = ""  # why this row cannot be read; `values` is empty then
    place: str = ""  # where it stands, in words, when the number alone does not say it: "sheet “Prices”, row 12"


class Reader(ABC):
    """Reads files of one format. Records come one at a time: memory does not grow with the number of rows."""

    format: ClassVar[str]  # the format's name, for example "csv"
    extensions: ClassVar[tuple[str, ...]]  # in lower case, with the dot
    tabular: ClassVar[bool] = False  # whether it has rows with columns that must be mapped to fields

    def __init__(self, limits: Limits | None = None, encoding: str = "") -> None:
        """Read within limits; texts that do not declare their encoding in `encoding`, "" to find it out."""
        self.limits = limits or Limits()
        self.encoding = encoding
        self.notes = Notes()

    @abstractmethod
    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        """Yield the records of a seekable file, in their order. `path` is where it came from: names only.

        A bad row is a Record with an error, and the rows after it follow. Raises UnreadableFile when the file as a
        whole cannot be read.
        """
