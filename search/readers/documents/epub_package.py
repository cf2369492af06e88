"""What an EPUB says of itself: which parts are chapters and in which order, their titles, the book's metadata.

Never expands entities: the XML is read by defusedxml.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError
from zipfile import ZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from search.language_tags import language_tag
from search.readers.archives.packed_files import part
from search.readers.base import UnreadableFile
from search.readers.text.markdown_text import one_line

from .dates import iso_date
from .whole_document import words_of

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml")
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_DC = "{http://purl.org/dc/elements/1.1/}"
_PROTECTED = "This EPUB has copy protection (DRM), so its text cannot be read. Import a copy without it."


@dataclass(frozen=True, slots=True)
class Package:
    """A book's metadata, and the names of its parts in the archive."""

    title: str
    language: str
    metadata: dict[str, Any]
    chapters: list[str]
    contents: list[str] = field(default_factory=list)  # the parts with the table of contents


def open_package(archive: ZipFile) -> Package:
    """Return what the book says of itself; raise UnreadableFile when it is protected or not a book."""
    names = set(archive.namelist())
    _refuse_protected(archive, names)
    container = _xml(archive, _CONTAINER)
    root_file = next((element.get("full-path", "") for element in container.iter() if _name(element) == "rootfile"), "")
    root = _xml(archive, root_file)
    items = {item.get("id", ""): item for item in root.iter() if _name(item) == "item"}
    spine = [items.get(reference.get("idref", "")) for reference in root.iter() if _name(reference) == "itemref"]
    chapters = [
        _path(root_file, item.get("href", ""))
        for item in spine
        if item is not None
        and item.get("media-type", _CHAPTERS[0]) in _CHAPTERS
        and "nav" not in item.get("properties", "").split()
    ]
    contents = [
        _path(root_file, item.get("href", ""))
        for item in items.values()
        if "nav" in item.get("properties", "").split() or item.get("media-type") == "application/x-dtbncx+xml"
    ]
    if not chapters:
        raise UnreadableFile("This EPUB is damaged: its list of chapters is empty.")
    if not names & set(chapters):
        raise UnreadableFile("This EPUB is damaged: none of its chapters is in it.")
    return Package(
        title=next(_texts(root, "title"), ""),
        language=next(filter(None, map(language_tag, _texts(root, "language"))), ""),
        metadata={**_metadata(root), "missing_chapters": sorted(set(chapters) - names)},
        chapters=[name for name in dict.fromkeys(chapters) if name in names],
        contents=[name for name in contents if name in names],
    )


def chapter_titles(archive: ZipFile, package: Package) -> dict[str, str]:
    """Return the titles that the book's table of contents gives to its parts; the first counts."""
    titles: dict[str, str] = {}
    for name in package.contents:
        for target, title in _entries(_xml(archive, name)):
            if title:
                titles.setdefault(_path(name, target), title)
    return titles


def _entries(root: Element) -> Iterator[tuple[str, str]]:
    """Yield targets and titles of an EPUB 3 navigation document or an EPUB 2 NCX."""
    for element in root.iter():
        if _name(element) == "a" and element.get("href"):
            yield element.get("href", ""), one_line("".join(element.itertext()))
        elif _name(element) == "navPoint":
            label = next((inner for inner in element.iter() if _name(inner) == "navLabel"), None)
            content = next((inner for inner in element if _name(inner) == "content"), None)
            if label is not None and content is not None:
                yield content.get("src", ""), one_line("".join(label.itertext()))


def _refuse_protected(archive: ZipFile, names: set[str]) -> None:
    if names & set(_RIGHTS):
        raise UnreadableFile(_PROTECTED)
    if _ENCRYPTION not in names:
        return
    methods = [element for element in _xml(archive, _ENCRYPTION).iter() if _name(element) == "EncryptionMethod"]
    if any(method.get("Algorithm") not in _FONTS_ONLY for method in methods):
        raise UnreadableFile(_PROTECTED)


def _metadata(root: Element) -> dict[str, Any]:
    dates = list(_texts(root, "date"))
    modified = (
        one_line(element.text or "") for element in root.iter() if element.get("property") == "dcterms:modified"
    )
    return {
        "authors": list(_texts(root, "creator")),
        "contributors": list(_texts(root, "contributor")),
        "publisher": next(_texts(root, "publisher"), ""),
        "identifier": next(_texts(root, "identifier"), ""),
        "rights": next(_texts(root, "rights"), ""),
        "subject": next(_texts(root, "description"), ""),
        "keywords": list(_texts(root, "subject")),
        "published": next(filter(None, map(iso_date, dates)), ""),
        "modified": next(filter(None, map(iso_date, modified)), ""),
    }


def _texts(root: Element, name: str) -> Iterator[str]:
    for element in root.iter(f"{_DC}{name}"):
        if text := one_line("".join(element.itertext())):
            yield text


def _xml(archive: ZipFile, name: str) -> Element:
    try:
        root: Element = fromstring(part(archive, name, "EPUB"))
    except DefusedXmlException as error:
        raise UnreadableFile(
            f"This EPUB declares XML entities in {name!r}, as only files made to do harm do."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableFile(f"This EPUB is damaged: its part {name[:100]!r} is no XML ({words_of(error)}).") from error
    return root


def _path(base: str, target: str) -> str:
    return normpath(join(dirname(base), unquote(target.split("#", maxsplit=1)[0])))


def _name(element: Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]
