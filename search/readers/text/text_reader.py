"""Plain text in any encoding, as one record. Form feeds, which part pages, become line ends and anchors."""

from pathlib import PurePosixPath
from typing import Any, BinaryIO

from search.readers.documents.whole_document import DocumentReader, whole

from .declared_encoding import decode
from .markdown_text import one_line, plain_lines, refuse_too_long

_TITLE_CHARS = 120  # a first line longer than that is a paragraph


class TextReader(DocumentReader):
    """A text without markup."""

    format = "text"
    extensions = (".txt", ".text", ".log", ".rst", ".rest", ".adoc", ".asciidoc", ".org")
    kind = "text file"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        text = plain_lines(decode(whole(file, self.limits), self))
        refuse_too_long(len(text), self.limits)
        pages = [[offset, f"page {number}"] for number, offset in enumerate(_page_starts(text), 1)]
        name = self.notes.encoding
        metadata = {"format": self.format} | ({} if name == "utf-8" else {"encoding": name})
        return {
            "title": _first_line(text),
            "body": text.replace("\f", "\n"),
            "anchors": pages if len(pages) > 1 else [],
            "metadata": metadata,
        }


def _page_starts(text: str) -> list[int]:
    return [0] + [index + 1 for index, char in enumerate(text) if char == "\f" and index + 1 < len(text)]


def _first_line(text: str) -> str:
    lines = (one_line(line) for line in text[: 100 * _TITLE_CHARS].split("\n"))
    first = next(filter(None, lines), "")
    return first if len(first) <= _TITLE_CHARS else ""
