"""The body of a Word document as blocks of Markdown, in the order of the document.

Reads the parts' XML itself where python-docx leaves text out: insertions, content controls, text boxes, footnotes.
What was deleted with changes tracked, field codes and comments are no text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from search.readers.text.markdown_text import heading, one_line, paragraph, table_row

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_NO_TEXT = {f"{_W}{name}" for name in ("del", "moveFrom", "delText", "instrText", "rPr", "pPr", "tblPr", "comment")} | {
    _FALLBACK
}
_BREAKS = {f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}tab": "\t", f"{_W}noBreakHyphen": "-", f"{_W}p": "\n"}
_CONTAINERS = {f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")}
_STYLES_DEEP = 10  # how far a style is followed to the one that it is based on
_NOTES = ("footnotes", "endnotes")


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph's style says of its place in the text."""

    level: int = 0  # of a heading; 0 for none
    title: bool = False
    item: str = ""  # "- " or "1. " for a list's paragraphs


@dataclass(frozen=True, slots=True)
class Outline:
    """A document's styles and lists by their ids."""

    styles: dict[str, Style] = field(default_factory=dict)
    numbered: frozenset[tuple[str, str]] = frozenset()  # (numId, ilvl) of lists with numbers


def outline(document: Any) -> Outline:
    """Return what the styles and lists of a python-docx document mean."""
    elements = {style.get(f"{_W}styleId", ""): style for style in document.styles.element.iter(f"{_W}style")}
    styles = {}
    for name, element in elements.items():
        for _ in range(_STYLES_DEEP):
            found = _style(element)
            styles[name] = Style() if found.title and element is not elements[name] else found  # no title by descent
            above = elements.get(_value(element, "basedOn"))
            if found != Style() or above is None:
                break
            element = above
    return Outline(styles, frozenset(_numbered(document)))


def _style(element: etree._Element) -> Style:
    name = _value(element, "name").lower()
    level = _value(element, "pPr", "outlineLvl")
    if name.startswith("heading ") and name[8:].isdecimal():
        return Style(level=int(name[8:]))
    if name == "title":
        return Style(level=1, title=True)
    if level.isdecimal() and int(level) < 9:
        return Style(level=int(level) + 1)
    if name.startswith("list bullet"):
        return Style(item="- ")
    return Style(item="1. ") if name.startswith("list number") else Style()


def _numbered(document: Any) -> Iterator[tuple[str, str]]:
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return
    formats: dict[str, list[str]] = {}
    for abstract in root.iter(f"{_W}abstractNum"):
        levels = [
            level.get(f"{_W}ilvl", "")
            for level in abstract.iter(f"{_W}lvl")
            if _value(level, "numFmt") not in ("bullet", "none")
        ]
        formats[abstract.get(f"{_W}abstractNumId", "")] = levels
    for number in root.iter(f"{_W}num"):
        for level in formats.get(_value(number, "abstractNumId"), ()):
            yield number.get(f"{_W}numId", ""), level


def _value(element: etree._Element, *path: str) -> str:
    """Return the w:val of the element at a path below `element`, or ""."""
    found = element.find("/".join(f"{_W}{name}" for name in path))
    return "" if found is None else found.get(f"{_W}val", "")


def body_blocks(body: etree._Element, outline: Outline) -> Iterator[tuple[str, Style]]:
    """Yield the blocks of a document's body, each with the style that says what it is."""
    for element in _in_order(body):
        if element.tag == f"{_W}tbl":
            yield _table(element), Style()
        else:
            yield from _paragraph(element, outline)


def _in_order(container: etree._Element) -> Iterator[etree._Element]:
    """Yield the paragraphs and tables of a container, those in content controls and insertions included."""
    walk = etree.iterwalk(container, events=("start",), tag=None)
    for _, element in walk:
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            yield element
            walk.skip_subtree()
        elif element is not container and element.tag not in _CONTAINERS:
            walk.skip_subtree()


def _paragraph(element: etree._Element, outline: Outline) -> Iterator[tuple[str, Style]]:
    text = paragraph(text_of(element))
    if not text:
        return
    style = outline.styles.get(_value(element, "pPr", "pStyle"), Style())
    number, level = _value(element, "pPr", "numPr", "numId"), _value(element, "pPr", "numPr", "ilvl") or "0"
    own_level = _value(element, "pPr", "outlineLvl")
    if own_level.isdecimal() and int(own_level) < 9:
        style = Style(level=int(own_level) + 1)
    if style.level:
        yield heading(style.level, text), style
    elif style.item or (number and number != "0"):
        mark = style.item or ("1. " if (number, level) in outline.numbered else "- ")
        indent = "  " * (int(level) if level.isdecimal() and len(level) == 1 else 0)
        lines = text.split("\n")
        yield "\n".join(indent + (mark if at == 0 else "  ") + line for at, line in enumerate(lines)), Style(item=mark)
    else:
        yield text, style


def _table(element: etree._Element) -> str:
    rows = []
    for row in element.findall(f"{_W}tr"):
        cells = list(_cells(row))
        rows.append(table_row(text_of(cell) for cell in cells))
    return "\n".join(filter(None, rows))


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    walk = etree.iterwalk(row, events=("start",))
    for _, element in walk:
        if element.tag == f"{_W}tc":
            yield element
            walk.skip_subtree()


def text_of(element: etree._Element) -> str:
    """Return the text in a paragraph or cell; a reference to a note as `[^1]`."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start",))
    for _, inner in walk:
        if inner.tag in _NO_TEXT:
            walk.skip_subtree()
        elif inner.tag == f"{_W}t":
            parts.append(inner.text or "")
        elif inner.tag in _BREAKS and inner is not element:
            parts.append(_BREAKS[inner.tag])
        elif inner.tag in (f"{_W}footnoteReference", f"{_W}endnoteReference"):
            parts.append(f"[^{_label(inner)}]")
    return "".join(parts)


def _label(reference: etree._Element) -> str:
    prefix = "e" if reference.tag == f"{_W}endnoteReference" else ""
    return prefix + reference.get(f"{_W}id", "")


def notes(document: Any) -> Iterator[str]:
    """Yield the footnotes and endnotes of a python-docx document as `[^1]: text`."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    for relation in document.part.rels.values():
        kind = relation.reltype.rsplit("/", 1)[-1]
        if kind not in _NOTES or relation.is_external:
            continue
        root = etree.fromstring(relation.target_part.blob, parser)
        for note in root.iter(f"{_W}{kind[:-1]}"):
            text = one_line(text_of(note))
            if text and not note.get(f"{_W}type"):
                yield f"[^{'e' if kind == 'endnotes' else ''}{note.get(f'{_W}id', '')}]: {text}"
