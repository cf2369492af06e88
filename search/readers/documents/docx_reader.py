"""Word documents (DOCX): headings, lists, tables and notes as Markdown, with what the file says of itself.

Never fetches what a document links to, and never looks at macros.
"""

from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from search.language_tags import language_tag
from search.readers.archives.packed_files import packed_file
from search.readers.base import UnreadableFile
from search.readers.text.markdown_text import Body, one_line

from .dates import iso_date
from .docx_text import body_blocks, notes, outline
from .whole_document import DocumentReader


class DocxReader(DocumentReader):
    """A DOCX file as one record."""

    format = "docx"
    extensions = (".docx",)
    kind = "Word document"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        with packed_file(file, self.kind, self.limits) as archive:
            if "[Content_Types].xml" not in archive.namelist():
                raise UnreadableFile("This Word document is damaged: it has no list of its parts.")
        file.seek(0)
        import docx

        document = docx.Document(file)
        title, text = self._text(document)
        values = described(document.core_properties)
        values["metadata"]["format"] = self.format
        return {**values, "title": values["title"] or title, "body": text}

    def _text(self, document: Any) -> tuple[str, str]:
        """Return the first title or heading, and the whole text."""
        body = Body(self.limits)
        title, items = "", list[str]()
        for block, following in pairwise([*body_blocks(document.element.body, outline(document)), None]):
            text, style = block or ("", None)
            if style and style.level and not title:
                title = text.lstrip("# ")
            items.append(text)
            if not (style and style.item and following and following[1].item):
                body.add("\n".join(items))
                items = []
        for note in notes(document):
            body.add(note)
        return title, body.text()


def described(properties: Any) -> dict[str, Any]:
    """Return what a document's core properties say of it."""
    authors = [name for name in map(one_line, (properties.author or "").split(";")) if name]
    return {
        "title": one_line(properties.title or ""),
        "language": language_tag(properties.language),
        "metadata": {
            "authors": [name for name in authors if name != "python-docx"],
            "created": iso_date(properties.created),
            "modified": iso_date(properties.modified),
            "subject": one_line(properties.subject or ""),
            "keywords": [
                word for word in map(one_line, (properties.keywords or "").replace(";", ",").split(",")) if word
            ],
            "category": one_line(properties.category or ""),
            "description": one_line(properties.comments or ""),
        },
    }
