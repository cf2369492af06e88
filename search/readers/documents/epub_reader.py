"""EPUB books: the chapters in reading order as Markdown, with the chapters as anchors.

Never opens a book with copy protection, and nothing that a book links to outside itself.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from zipfile import ZipFile

from search.readers.archives.packed_files import packed_file, part
from search.readers.base import UnreadableFile
from search.readers.html.html_blocks import Block, blocks
from search.readers.html.html_reader import add_blocks
from search.readers.html.html_tree import parse_html, readable_part
from search.readers.text.declared_encoding import decode_markup
from search.readers.text.markdown_text import Body

from .epub_package import Package, chapter_titles, open_package
from .whole_document import DocumentReader


class EpubReader(DocumentReader):
    """An EPUB book as one record."""

    format = "epub"
    extensions = (".epub",)
    kind = "EPUB"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        with packed_file(file, self.kind, self.limits) as archive:
            package = open_package(archive)
            body = Body(self.limits)
            titles = chapter_titles(archive, package)
            for name, found in self._chapters(archive, package):
                own = next((block.text.lstrip("# ") for block in found if block.kind == "heading"), "")
                body.begin(titles.get(name) or own or PurePosixPath(name).stem)
                add_blocks(body, found)
        metadata = {"format": self.format, "chapter_count": len(body.anchors), **package.metadata}
        return {
            "title": package.title,
            "language": package.language,
            "metadata": metadata,
            "body": body.text(),
            "anchors": body.anchors,
        }

    def _chapters(self, archive: ZipFile, package: Package) -> Iterator[tuple[str, list[Block]]]:
        """Yield the name and the blocks of each chapter that has text."""
        if len(package.chapters) > self.limits.pages:
            raise UnreadableFile(
                f"This EPUB has {len(package.chapters):,} chapters; one file may have {self.limits.pages:,}."
            )
        for name in package.chapters:
            markup = decode_markup(part(archive, name, self.kind), self)
            if markup.strip():
                yield name, blocks(readable_part(parse_html(markup))[0])
