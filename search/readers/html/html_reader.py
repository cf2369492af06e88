"""HTML pages: their content as Markdown, without navigation, banners and scripts.

Opens nothing that a page refers to.
"""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from search.readers.base import Limits
from search.readers.documents.whole_document import DocumentReader
from search.readers.text.declared_encoding import decode_markup
from search.readers.text.markdown_text import Body

from .html_blocks import Block, blocks
from .html_metadata import from_head
from .html_tree import parse_html, readable_part
from .main_content import main_content


class HtmlReader(DocumentReader):
    """An HTML or XHTML file as one record."""

    format = "html"
    extensions = (".html", ".htm", ".xhtml")
    kind = "HTML file"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        page = decode_markup(file.read(), self)
        tree = parse_html(page)
        values = from_head(tree)
        part, marked = readable_part(tree)
        found = blocks(part)
        body = Body(self.limits)
        add_blocks(body, found if marked else main_content(page, found))
        values["metadata"]["format"] = self.format
        return {**values, "body": body.text()}


def fragment(page: str, limits: Limits) -> str:
    """Return the text of HTML that is a part of something else, all of it: a mail, for example."""
    part, _ = readable_part(parse_html(page))
    body = Body(limits)
    add_blocks(body, blocks(part))
    return body.text()


def add_blocks(body: Body, found: Iterable[Block]) -> None:
    """Add blocks to a body; neighbouring items of a list follow each other without a blank line."""
    items: list[str] = []
    for block, following in pairwise([*found, None]):
        if block is None:
            break
        items.append(block.text)
        if block.kind != "item" or following is None or following.kind != "item":
            body.add("\n".join(items))
            items = []
