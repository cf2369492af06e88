"""HTML and XHTML to a tree without what nobody reads: scripts, styles, navigation, cookie banners.

Parsers here resolve no entities, open no connection and refuse huge trees.
"""

import re
from html.entities import html5

from lxml import etree

from search.readers.base import UnreadableFile

_UNREAD = {
    "script", "style", "noscript", "template", "svg", "iframe", "frame", "object", "embed", "applet", "audio",
    "video", "canvas", "map", "select", "button", "input", "textarea", "datalist", "dialog", "nav", "footer", "menu",
}  # fmt: skip
_UNREAD_ROLES = {
    "navigation",
    "contentinfo",
    "search",
    "dialog",
    "alertdialog",
    "menu",
    "menubar",
    "tablist",
    "doc-backlink",
}
_BOILERPLATE = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|breadcrumbs?|sidebar|navbar|nav|navigation|navheader|navfooter|topbar|menu|"
    r"toc|toctree|footer|skip-?(?:link|to)|skipnav|social|share|sharing|related|newsletter|advert(?:s|isement)?|ads|"
    r"promo|pagination|pager|prev-next|sr-only|visually-hidden|headerlink|footnote-back(?:ref|link)?|edit-?link|banner|popup|modal)(?:[\s_-]|$)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MOST_OF_THE_PAGE = 0.4  # no boilerplate is that large a share of a page's text
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"\A\s*<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_XHTML = "http://www.w3.org/1999/xhtml"


def parse_html(text: str) -> etree._Element:
    """Return the tree of a page; well-formed XHTML is read as XML, everything else as browsers read it."""
    tree = _as_xml(text) if _XHTML in text[:2_000] else None
    if tree is None:
        tree = _as_html(_XML_DECLARATION.sub("", text, count=1))
    return etree.Element("html") if tree is None else tree


def _as_html(text: str) -> etree._Element | None:
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False, recover=True
    )
    try:
        tree = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        tree = None
    for entry in parser.error_log:
        if entry.level == etree.ErrorLevels.FATAL:
            depth = "elements are nested too deeply" if "depth" in entry.message else entry.message.rstrip(".")
            raise UnreadableFile(f"This HTML file cannot be read as a whole: {depth} (line {entry.line}).")
    return tree


def _as_xml(text: str) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    text = _DOCTYPE.sub("", _XML_DECLARATION.sub("", text, count=1), count=1)
    text = _ENTITY.sub(lambda match: _character(match[1]) or match[0], text)
    try:
        tree = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    for element in tree.iter("*"):
        element.tag = etree.QName(element).localname
    return tree


def _character(name: str) -> str:
    return "" if name in ("amp;", "lt;", "gt;", "quot;", "apos;") else html5.get(name, "")


def readable_part(tree: etree._Element) -> tuple[etree._Element, bool]:
    """Take what nobody reads out of a tree; return the element with the rest, and whether the page marks it as main."""
    body = tree.find(".//body")
    body = tree if body is None else body
    _drop(body, [element for element in body.iter("*") if _is_unread(element)])
    main = _marked_main(body)
    inside = body if main is None else main
    whole = max(1, _text_length(inside))
    _drop(
        inside, [element for element in inside.iter("*") if element is not inside and _is_boilerplate(element, whole)]
    )
    return inside, main is not None


def _is_unread(element: etree._Element) -> bool:
    if element.tag in _UNREAD:
        return True
    hidden = "hidden" in element.attrib and element.get("hidden") != "until-found"
    return hidden or element.get("role") in _UNREAD_ROLES or bool(_HIDDEN.search(element.get("style", "")))


def _is_boilerplate(element: etree._Element, whole: int) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}"
    parent = element.getparent()
    top = element.tag == "header" and parent is not None and parent.tag == "body"
    if not top and not (
        element.tag in ("div", "ul", "ol", "section", "aside", "p", "a", "span", "table", "dl")
        and _BOILERPLATE.search(names)
    ):
        return False
    holds_the_text = element.find(".//h1") is not None or element.find(".//main") is not None
    return not holds_the_text and _text_length(element) < _MOST_OF_THE_PAGE * whole


def _marked_main(body: etree._Element) -> etree._Element | None:
    """Return the one element that the page itself calls its main part, if it has text."""
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = body.findall(path)
        if len(found) == 1 and _text_length(found[0]) >= 0.3 * _text_length(body):
            return found[0]
    return None


def _text_length(element: etree._Element) -> int:
    return sum(len(text.strip()) for text in element.itertext())


def text_in(element: etree._Element) -> str:
    """Return all text below an element as it stands."""
    return "".join(map(str, element.itertext()))


def _drop(root: etree._Element, elements: list[etree._Element]) -> None:
    """Remove elements; the text behind each stays."""
    for element in elements:
        parent = element.getparent()
        if element is root or parent is None:
            continue
        between = "" if parent.tag == "pre" else " "  # words on both sides are not to become one
        tail, before = between + (element.tail or ""), element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
        parent.remove(element)
