"""Plain text in any encoding, as one record. Form feeds, which part pages, become line ends and anchors."""

from pathlib import PurePosixPath
from typing import Any, BinaryIO

from .markdown_text import one_line, plain_lines, refuse_too_long
from .text_encoding import detected
from .whole_document import DocumentReader, whole

_TITLE_CHARS = 120  # a first line longer than that is a paragraph
_SAMPLE_BYTES = 1 << 20


class TextReader(DocumentReader):
    """A text without markup."""

    format = "text"
    extensions = (".txt", ".text", ".log", ".rst", ".rest", ".adoc", ".asciidoc", ".org")
    kind = "text file"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        raw = whole(file, self.limits)
        encoding = detected(raw if raw.isascii() else _telling(raw))
        text = plain_lines(raw[encoding.mark_bytes :].decode(encoding.name, "replace"))
        refuse_too_long(len(text), self.limits)
        pages = [[offset, f"page {number}"] for number, offset in enumerate(_page_starts(text), 1)]
        metadata = {"format": self.format} | ({} if encoding.name == "utf-8" else {"encoding": encoding.name})
        return {
            "title": _first_line(text),
            "body": text.replace("\f", "\n"),
            "anchors": pages if len(pages) > 1 else [],
            "metadata": metadata,
        }


def _telling(raw: bytes) -> bytes:
    """Return the beginning of a text, from a little before the first byte outside ASCII when that comes late."""
    first = next(
        index for index in range(0, len(raw), _SAMPLE_BYTES) if not raw[index : index + _SAMPLE_BYTES].isascii()
    )
    return raw[: _SAMPLE_BYTES // 16] + raw[first : first + _SAMPLE_BYTES] if first else raw[:_SAMPLE_BYTES]


def _page_starts(text: str) -> list[int]:
    return [0] + [index + 1 for index, char in enumerate(text) if char == "\f" and index + 1 < len(text)]


def _first_line(text: str) -> str:
    lines = (one_line(line) for line in text[: 100 * _TITLE_CHARS].split("\n"))
    first = next(filter(None, lines), "")
    return first if len(first) <= _TITLE_CHARS else ""
