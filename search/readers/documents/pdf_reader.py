"""PDF files: the text layer page by page, with the pages as anchors.

Never reads pictures: a scan without a text layer is refused, with what would do. Never runs a program for a filter.
"""

import logging
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from search.language_tags import language_tag
from search.readers.base import UnreadableFile
from search.readers.text.markdown_text import Body, one_line, refuse_too_long

from .dates import iso_date
from .pdf_text import lines_of, paragraphs, running_lines, without_running
from .whole_document import DocumentReader

_JUNK_TITLES = ("untitled", "title", "document", "microsoft word - ", "microsoft powerpoint - ")
_FIELDS = {"/Subject": "subject", "/Creator": "creator", "/Producer": "producer"}
_DATES = {"/CreationDate": "created", "/ModDate": "modified"}
_BOUNDS: dict[str, Any] = {
    "zlib_maximum_output_length": 75_000_000,  # of one stream; a page of text has some ten thousand bytes
    "stream_decoding_work_maximum_length": 300_000_000,
    "stream_parsing_work_maximum_count": 2_000_000,
    "page_tree_maximum_entries": 100_000,
    "page_tree_maximum_depth": 100,
    "jbig2dec_binary": None,
    "disable_legacy_handling": True,
}


class PdfReader(DocumentReader):
    """A PDF file as one record."""

    format = "pdf"
    extensions = (".pdf",)
    kind = "PDF"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        import pypdf

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every flaw; what matters is raised
        with pypdf.apply_configuration(pypdf.Configuration(**_BOUNDS)):
            document = pypdf.PdfReader(file, strict=False)
            if document.is_encrypted and not document.decrypt(""):
                raise UnreadableFile("This PDF is protected with a password. Save it without one and import it again.")
            pages = list(self._pages(document))
            return {**self._described(document, len(pages)), **self._text(pages)}

    def _pages(self, document: Any) -> Iterator[list[str]]:
        """Yield the lines of each page."""
        count = len(document.pages)
        if count > self.limits.pages:
            raise UnreadableFile(f"This PDF has {count:,} pages; one file may have {self.limits.pages:,}. Split it.")
        length = 0
        for page in document.pages:
            lines = lines_of(page.extract_text())
            length += sum(map(len, lines))
            refuse_too_long(length, self.limits)
            yield lines

    def _text(self, pages: list[list[str]]) -> dict[str, Any]:
        if not any(any(lines) for lines in pages):
            raise UnreadableFile(
                f"This PDF has no text layer (pages: {len(pages):,}); it is probably a scan. "
                "Run OCR over it (ocrmypdf, for example) and import the result."
            )
        running = running_lines(pages)
        body = Body(self.limits)
        for number, lines in enumerate(pages, 1):
            body.begin(f"page {number}")
            body.add(paragraphs(without_running(lines, running)))
        return {"body": body.text(), "anchors": body.anchors}

    def _described(self, document: Any, page_count: int) -> dict[str, Any]:
        info = {key: str(value) for key, value in (document.metadata or {}).items()}
        metadata: dict[str, Any] = {"format": self.format, "page_count": page_count}
        metadata |= {name: one_line(info.get(key, "")) for key, name in _FIELDS.items()}
        metadata |= {name: iso_date(info.get(key, "")) for key, name in _DATES.items()}
        metadata["authors"] = [name for name in map(one_line, info.get("/Author", "").split(";")) if name]
        metadata["keywords"] = [
            word for word in map(one_line, info.get("/Keywords", "").replace(";", ",").split(",")) if word
        ]
        title = one_line(info.get("/Title", ""))
        return {
            "title": "" if title.lower().startswith(_JUNK_TITLES) else title,
            "language": language_tag(_language(document)),
            "metadata": metadata,
        }


def _language(document: Any) -> str:
    found = document.root_object.get("/Lang", "")
    return str(found.get_object() if hasattr(found, "get_object") else found)
