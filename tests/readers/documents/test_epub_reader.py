"""EPUB: the chapters in reading order with their titles as anchors; protected books are refused in clear words."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZipFile

import pytest

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.epub_reader import EpubReader
from tests.readers.contract import ReaderContract
from tests.readers.samples import CONTAINER, epub, with_part, zip_of


class TestEpubReader(ReaderContract):
    name = "bread.epub"

    def make_reader(self, limits: Limits | None = None) -> EpubReader:
        return EpubReader(limits)

    def sample(self) -> bytes:
        return epub()

    def expected(self) -> list[Mapping[str, Any]]:
        body = "# Bread\n\nFlour and water.\n\nBake it."
        return [{"title": "Baking", "language": "en", "body": body, "anchors": [[0, "Bread"], [27, "two"]]}]


def values(content: bytes, limits: Limits | None = None) -> dict[str, Any]:
    [record] = EpubReader(limits).read(io.BytesIO(content), PurePosixPath("my bread.epub"))
    return dict(record.values)


def test_the_table_of_contents_names_the_chapters() -> None:
    chapters = {"b & c.xhtml": "<p>Second file, first chapter.</p>", "a.xhtml": "<h1>x</h1>", "c.xhtml": "<p> </p>"}
    found = values(epub(chapters, contents={"b & c.xhtml": "Begin &amp; end", "a.xhtml": "Then"}))
    assert found["anchors"] == [[0, "Begin & end"], [29, "Then"]]
    assert found["body"][29:] == "# x"


def test_an_older_book_has_its_titles_in_the_ncx() -> None:
    points = '<navPoint><navLabel><text>Start</text></navLabel><content src="one.xhtml#a"/></navPoint>'
    ncx = f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>'
        '<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        '<item id="c" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    book = with_part(with_part(epub(), "OEBPS/book.opf", package), "OEBPS/toc.ncx", ncx)
    assert values(book)["anchors"] == [[0, "Start"]]
    assert values(book)["title"] == "my bread"


def test_the_package_says_what_the_book_is() -> None:
    metadata = (
        "<dc:title> Baking\n</dc:title><dc:title>A subtitle</dc:title><dc:creator>Ada</dc:creator>"
        "<dc:creator>Alan</dc:creator><dc:language>de_at</dc:language><dc:date>2024-03</dc:date>"
        "<dc:publisher>Mill</dc:publisher><dc:subject>flour</dc:subject><dc:identifier>urn:isbn:1</dc:identifier>"
        '<meta property="dcterms:modified">2024-03-02T00:00:00Z</meta>'
    )
    found = values(epub(metadata=metadata))
    assert (found["title"], found["language"]) == ("Baking", "de-AT")
    assert found["metadata"] == {
        "format": "epub", "chapter_count": 2, "authors": ["Ada", "Alan"], "publisher": "Mill", "keywords": ["flour"],
        "identifier": "urn:isbn:1", "published": "2024-03", "modified": "2024-03-02T00:00:00+00:00",
    }  # fmt: skip


def test_a_chapter_that_is_missing_is_reported_and_the_others_are_read() -> None:
    spine = (
        '<item id="c7" href="gone.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c7"/>'
    )
    with ZipFile(io.BytesIO(epub())) as book:
        package = book.read("OEBPS/book.opf").decode().replace("</manifest><spine>", spine)
    found = values(with_part(epub(), "OEBPS/book.opf", package))
    assert found["body"] == "# Bread\n\nFlour and water.\n\nBake it."
    assert found["metadata"]["missing_chapters"] == ["OEBPS/gone.xhtml"]


def encryption(algorithm: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>'
        f'<EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    )


def test_fonts_that_are_obfuscated_do_not_make_a_book_protected() -> None:
    book = with_part(epub(), "META-INF/encryption.xml", encryption("http://www.idpf.org/2008/embedding"))
    assert values(book)["title"] == "Baking"


BOMB = '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><package>&b;</package>'


@pytest.mark.parametrize(
    ("content", "limits", "reason"),
    [
        (with_part(epub(), "META-INF/encryption.xml", encryption("aes256-cbc")), Limits(), "copy protection"),
        (with_part(epub(), "META-INF/rights.xml", "<rights/>"), Limits(), "copy protection"),
        (with_part(epub(), "OEBPS/book.opf", BOMB), Limits(), "declares XML entities"),
        (with_part(epub(), "OEBPS/book.opf", "<package/>"), Limits(), "list of chapters is empty"),
        (with_part(epub(), "OEBPS/book.opf", "no XML"), Limits(), "no XML"),
        (with_part(epub(), "OEBPS/x.bin", bytes(30 << 20)), Limits(), "times its size"),
        (epub({f"{n}.xhtml": "<p>x</p>" for n in range(9)}), Limits(pages=8), "has 9 chapters"),
        (zip_of({"META-INF/container.xml": CONTAINER}), Limits(), "'OEBPS/book.opf' is missing"),
        (zip_of({"a.txt": "x"}), Limits(), "container.xml' is missing"),
        (b"no archive", Limits(), "damaged"),
    ],
    ids=[
        "encrypted",
        "rights",
        "entities",
        "no chapters",
        "no XML",
        "ratio",
        "chapters",
        "no package",
        "no book",
        "no ZIP",
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(content: bytes, limits: Limits, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        values(content, limits)
