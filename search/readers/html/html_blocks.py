"""A tree of HTML to blocks of Markdown: headings, paragraphs, lists, code and tables, in the order of the page.

Walks the tree without recursion. Emphasis and links' targets are left out: they are no text that people search.
"""

import re
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from search.readers.text.markdown_text import heading, one_line, plain_lines, table_row

from .html_tree import text_in

Kind = Literal["heading", "text", "item", "code", "table"]

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = ("ul", "ol", "dir", "dl")
_ITEMS = ("li", "dt")  # a <dd> goes on with the item of its <dt>
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dt",
    "fieldset", "figcaption", "figure", "form", "header", "hr", "html", "legend", "li", "main", "p", "section",
    "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "hgroup", "title", *_LISTS, *_HEADINGS,
}  # fmt: skip
_CODE = ("pre", "listing", "xmp")
_IN_LAYOUT_TABLES = ("table", "pre", "h1", "h2", "h3", "h4", "ul", "ol", "dl", "blockquote", "form")
_PARAGRAPHS_OF_A_CELL = 3
_PERMALINK = re.compile(r"\s*[#¶§🔗⚓]+\s*\Z")
_LANGUAGE = re.compile(r"(?:language|lang|highlight)-([\w+#-]+)")
_BREAK = "\x0b"  # a line break that is meant; others in HTML are spaces


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the page between two blank lines."""

    kind: Kind
    text: str
    linked: float = 0.0  # the share of its characters that are links


def blocks(root: etree._Element) -> list[Block]:
    """Return what is under `root` as blocks of Markdown."""
    writer = _Writer()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if event == "start" and writer.start(element):
            walk.skip_subtree()
        elif event == "end":
            writer.end(element)
            if element is not root:
                writer.text(element.tail)
    writer.flush()
    return writer.blocks


class _Writer:
    """Turns the walk's events into blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._inline: list[str] = []
        self._linked = 0
        self._links = 0  # how many <a> are open
        self._lists: list[list[int]] = []  # of each open list: 0 for bullets, else the next number
        self._item = False  # whether the next block is the first of a list's item
        self._level = 0  # of the open heading
        self._quotes = 0

    def start(self, element: etree._Element) -> bool:
        """Take in an element's beginning; True when it is dealt with as a whole."""
        tag = element.tag
        if tag in _CODE or (tag == "table" and not _is_layout(element)):
            self.flush()
            self._add("code", _fenced(element)) if tag in _CODE else self._add_table(element)
            return True
        if tag in _BLOCKS:
            self.flush()
            self._open(tag, element)
        elif tag == "a":
            self._links += 1
        elif tag == "br":
            self._inline.append(_BREAK)
        elif tag == "code":
            self._inline.append("`")
        self.text(element.text)
        return False

    def end(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in _CODE or (tag == "table" and not _is_layout(element)):
            return
        if tag in _BLOCKS:
            self.flush()
            self._close(tag)
        elif tag == "a":
            self._links -= 1
        elif tag == "code":
            self._inline.append("`")

    def text(self, text: str | None) -> None:
        if text:
            self._inline.append(text)
            if self._links:
                self._linked += len(text.strip())

    def flush(self) -> None:
        """End the open block."""
        text = "".join(self._inline).replace("``", "")
        linked, self._inline, self._linked = self._linked, [], 0
        if _BREAK in text:
            text = "\n".join(filter(None, (one_line(line) for line in text.split(_BREAK))))
        else:
            text = one_line(text)
        if not text:
            return
        share = min(1.0, linked / len(text))
        if self._level:
            title = _PERMALINK.sub("", text.replace("\n", " "))
            if title:
                self._add("heading", heading(self._level, title))
        elif self._lists:
            self._add("item", self._as_item(text), share)
        else:
            self._add("text", text, share)

    def _open(self, tag: str, element: etree._Element) -> None:
        if tag in _LISTS:
            start = element.get("start", "1")
            self._lists.append([0 if tag != "ol" else int(start) if start.isdecimal() and len(start) < 9 else 1])
        elif tag in _ITEMS:
            self._item = True
        elif tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "blockquote":
            self._quotes += 1

    def _close(self, tag: str) -> None:
        if tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag in _HEADINGS:
            self._level = 0
        elif tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        self._item = False if tag in _ITEMS else self._item

    def _as_item(self, text: str) -> str:
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1][0]
        if not self._item:
            mark = "  "
        elif number:
            mark = f"{number}. "
            self._lists[-1][0] += 1
        else:
            mark = "- "
        self._item = False
        return "\n".join((indent + (mark if at == 0 else "  ")) + line for at, line in enumerate(text.split("\n")))

    def _add_table(self, element: etree._Element) -> None:
        rows = [table_row(_cell(cell) for cell in row if cell.tag in ("td", "th")) for row in element.iter("tr")]
        caption = element.find("caption")
        if caption is not None:
            self._add("text", one_line(text_in(caption)))
        linked = sum(len(text_in(link)) for link in element.iter("a"))
        text = "\n".join(filter(None, rows))
        self._add("table", text, min(1.0, linked / max(1, len(text))))

    def _add(self, kind: Kind, text: str, linked: float = 0.0) -> None:
        if not text.strip():
            return
        if self._quotes and kind != "heading":
            text = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
        self.blocks.append(Block(kind, text, linked))


def _is_layout(table: etree._Element) -> bool:
    """Whether a table only arranges the page; its cells are then read one after the other."""
    if any(table.find(f".//{tag}") is not None for tag in _IN_LAYOUT_TABLES):
        return True
    return any(len(cell.findall(".//p")) >= _PARAGRAPHS_OF_A_CELL for cell in table.iter("td"))


def _cell(cell: etree._Element) -> str:
    for element in cell.iter("br", "p", "div"):
        element.tail = " " + (element.tail or "")
    return text_in(cell)


def _fenced(element: etree._Element) -> str:
    for line in element.iter("br"):
        line.tail = "\n" + (line.tail or "")
    for part in element.findall("code")[:-1]:  # variants of the same example, one below the other
        part.tail = "\n\n" + (part.tail or "").lstrip()
    code = plain_lines(text_in(element)).strip("\n").rstrip()
    if not code.strip():
        return ""
    inner = element.find("code")
    names = f"{element.get('class', '')} {inner.get('class', '') if inner is not None else ''}"
    language = _LANGUAGE.search(names)
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language[1] if language else ''}\n{code}\n{fence}"
