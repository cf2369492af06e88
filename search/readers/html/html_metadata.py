"""What a page says of itself in its head: title, language, address, authors, dates, subject.

Only declarations are read; dates and languages that merely occur in the text are no metadata.
"""

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

from search.language_tags import language_tag
from search.readers.documents.dates import iso_date
from search.readers.documents.web_addresses import web_address
from search.readers.text.markdown_text import one_line

from .html_tree import text_in

_AUTHORS = ("author", "article:author", "citation_author", "dc.creator", "dcterms.creator", "parsely-author")
_DATES = {
    "created": ("dc.date.created", "dcterms.created"),
    "published": (
        "article:published_time", "citation_publication_date", "citation_date", "dc.date.issued", "dcterms.issued",
        "dc.date", "dcterms.date", "date", "pubdate", "parsely-pub-date", "datepublished",
    ),
    "modified": ("article:modified_time", "dcterms.modified", "dc.date.modified", "last-modified", "og:updated_time"),
}  # fmt: skip
_SUBJECTS = ("description", "og:description", "dc.description", "twitter:description")
_LONGEST_DATA = 200_000  # characters of linked data that are looked at


def from_head(tree: etree._Element) -> dict[str, Any]:
    """Return the fields that a page's head declares, as a reader gives them; unknown ones are empty."""
    named = _named(tree)
    data = _linked_data(tree)
    authors = [name for key in _AUTHORS for name in named.get(key, ())] or _authors_of(data)
    metadata: dict[str, Any] = {
        "authors": list(dict.fromkeys(name for name in map(one_line, authors) if name and not web_address(name))),
        "subject": _first(named, _SUBJECTS),
        "keywords": [word for word in map(one_line, _first(named, ("keywords",)).split(",")) if word],
        "site": _first(named, ("og:site_name",)),
    }
    for kind, names in _DATES.items():
        linked = data.get({"published": "datePublished", "modified": "dateModified", "created": "dateCreated"}[kind])
        metadata[kind] = next(filter(None, map(iso_date, [*_all(named, names), linked])), "")
    return {
        "title": _title(tree, named),
        "language": _language(tree, named),
        "url": _address(tree, named),
        "metadata": metadata,
    }


def _title(tree: etree._Element, named: dict[str, list[str]]) -> str:
    heading = tree.find(".//h1")
    in_heading = one_line(text_in(heading)).rstrip("#¶ ") if heading is not None else ""
    title = tree.find(".//title")
    return one_line(text_in(title) if title is not None else "") or _first(named, ("og:title",)) or in_heading


def _language(tree: etree._Element, named: dict[str, list[str]]) -> str:
    xml_language = "{http://www.w3.org/XML/1998/namespace}lang"
    body = tree.find(".//body")
    declared = [
        value
        for element in (tree, body)
        if element is not None
        for value in (element.get("lang"), element.get("xml:lang"), element.get(xml_language))
    ]
    declared += _all(named, ("content-language", "dc.language", "dcterms.language", "og:locale"))
    return next(filter(None, map(language_tag, declared)), "")


def _address(tree: etree._Element, named: dict[str, list[str]]) -> str:
    canonical = [link.get("href") for link in tree.iter("link") if "canonical" in link.get("rel", "").lower().split()]
    return next(filter(None, map(web_address, [*canonical, *named.get("og:url", ())])), "")


def _named(tree: etree._Element) -> dict[str, list[str]]:
    """Return the page's <meta> values by name in lower case."""
    named: dict[str, list[str]] = {}
    for meta in tree.iter("meta"):
        name = meta.get("name") or meta.get("property") or meta.get("http-equiv") or meta.get("itemprop") or ""
        if content := meta.get("content", "").strip():
            named.setdefault(name.strip().lower(), []).append(content)
    return named


def _linked_data(tree: etree._Element) -> dict[str, Any]:
    """Return the first article that the page describes as JSON-LD."""
    for script in tree.iter("script"):
        if script.get("type", "").lower() == "application/ld+json" and len(script.text or "") <= _LONGEST_DATA:
            try:
                found = json.loads(script.text or "")
            except (ValueError, RecursionError):
                continue
            for item in _items(found):
                if "datePublished" in item or "author" in item:
                    return item
    return {}


def _items(data: Any) -> Iterator[dict[str, Any]]:
    graph = data.get("@graph", [data]) if isinstance(data, dict) else data
    yield from (item for item in graph if isinstance(item, dict)) if isinstance(graph, list) else ()


def _authors_of(data: dict[str, Any]) -> list[str]:
    found = data.get("author", [])
    names = [
        item.get("name") if isinstance(item, dict) else item for item in (found if isinstance(found, list) else [found])
    ]
    return [name for name in names if isinstance(name, str)]


def _first(named: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return one_line(next(iter(_all(named, names)), ""))


def _all(named: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return [value for name in names for value in named.get(name, ())]
