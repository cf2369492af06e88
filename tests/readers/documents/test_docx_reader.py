"""Word: structure in the order of the document, nothing that was deleted, nothing fetched, no bomb unpacked."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.docx_reader import DocxReader
from tests.readers.contract import ReaderContract
from tests.readers.samples import with_part, word, zip_of


class TestDocxReader(ReaderContract):
    name = "bread.docx"

    def make_reader(self, limits: Limits | None = None) -> DocxReader:
        return DocxReader(limits)

    def sample(self) -> bytes:
        return word()

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"title": "Bread", "body": "# Bread\n\nFlour and water."}]


def values(content: bytes, limits: Limits | None = None) -> dict[str, Any]:
    [record] = DocxReader(limits).read(io.BytesIO(content), PurePosixPath("my bread.docx"))
    return dict(record.values)


def body_of(markup: str) -> str:
    """Return the text of a document whose body is this WordprocessingML."""

    def fill(document: Document) -> None:
        document.element.body.insert(
            0, parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent>{markup}</w:sdtContent></w:sdt>")
        )

    return str(values(word(fill))["body"])


def test_paragraphs_lists_and_tables_keep_their_order() -> None:
    def fill(document: Document) -> None:
        document.add_heading("Bread", 0)
        document.add_paragraph("Flour\nand\twater.")
        table = document.add_table(2, 3)
        table.cell(0, 0).merge(table.cell(0, 1)).text = "What"
        table.cell(0, 2).text = "How much"
        table.cell(1, 0).text, table.cell(1, 1).text, table.cell(1, 2).text = "flour", "white", "1\nkg"
        document.add_heading("Steps", 2)
        for step in ("Mix.", "Wait."):
            document.add_paragraph(step, style="List Number")
        document.add_paragraph("Salt", style="List Bullet")
        document.add_paragraph("")
        document.add_paragraph("Done.")

    assert values(word(fill))["body"] == (
        "# Bread\n\nFlour\nand water.\n\nWhat | How much\nflour | white | 1 kg\n\n## Steps\n\n"
        "1. Mix.\n1. Wait.\n- Salt\n\nDone."
    )


def test_core_properties_give_title_language_authors_and_dates() -> None:
    found = values(word(title="Baking", language="de_AT"))
    assert (found["title"], found["language"]) == ("Baking", "de-AT")
    assert found["metadata"]["authors"] == ["Ada Lovelace", "Alan Turing"]
    assert found["metadata"]["created"] == found["metadata"]["modified"] == "2024-03-01T12:30:00+00:00"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<w:p><w:r><w:t>a </w:t></w:r><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>", "a new"),
        ("<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText> gone</w:delText></w:r></w:del></w:p>", "kept"),
        (
            "<w:p><w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>",
            "link",
        ),
        ("<w:p><w:pPr><w:outlineLvl w:val='2'/></w:pPr><w:r><w:t>Deep</w:t></w:r></w:p>", "### Deep"),
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>control</w:t></w:r></w:p></w:sdtContent></w:sdt>", "control"),
        ("<w:p><w:r><w:t>x</w:t><w:noBreakHyphen/><w:t>y</w:t><w:br/><w:t>z</w:t></w:r></w:p>", "x-y\nz"),
    ],
    ids=["inserted", "deleted", "link and field", "outline level", "content control", "breaks"],
)
def test_text_that_is_not_in_plain_runs_is_read_and_deleted_text_is_not(markup: str, text: str) -> None:
    assert body_of(markup) == text


def test_footnotes_stand_at_the_end() -> None:
    text = '<w:footnote w:id="2"><w:p><w:r><w:t>Or rye.</w:t></w:r></w:p></w:footnote>'
    note = f"<w:footnotes {nsdecls('w')}>{text}</w:footnotes>"

    def fill(document: Document) -> None:
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part

        package = document.part.package
        part = Part(PackURI("/word/footnotes.xml"), "application/xml", note.encode(), package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
        paragraph = document.add_paragraph("Flour.")
        paragraph._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:footnoteReference w:id="2"/></w:r>'))

    assert values(word(fill))["body"] == "Flour.[^2]\n\n[^2]: Or rye."


def test_external_relations_are_not_followed() -> None:
    def fill(document: Document) -> None:
        document.add_paragraph("Flour.")
        for kind in (RELATIONSHIP_TYPE.HYPERLINK, RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.IMAGE):
            document.part.relate_to("file:///etc/passwd", kind, is_external=True)

    assert values(word(fill))["body"] == "Flour."


def test_entities_are_not_expanded() -> None:
    declared = '<!DOCTYPE w:document [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    document = (
        f"{declared}<w:document {nsdecls('w')}><w:body><w:p><w:r><w:t>x &b;&f;</w:t></w:r></w:p></w:body></w:document>"
    )
    text = values(with_part(word(), "word/document.xml", document))["body"]
    assert text == "x"


@pytest.mark.parametrize(
    ("content", "limits", "reason"),
    [
        (with_part(word(), "word/media/x.bin", bytes(30 << 20)), Limits(), "times its size"),
        (
            with_part(word(), "word/media/x.bin", bytes(5 << 20)),
            Limits(unpacked_bytes=4 << 20),
            "unpacks to .* may unpack",
        ),
        (word(), Limits(entries=5), "parts; one file may have 5"),
        (zip_of({"a.txt": "x"}), Limits(), "no list of its parts"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), Limits(), "password"),
        (word()[:-300], Limits(), "damaged"),
        (with_part(word(), "word/document.xml", "<w:document"), Limits(), "damaged"),
        (with_part(word(), "word/document.xml", "<a>" * 500_000), Limits(), "damaged"),
    ],
    ids=["ratio", "size", "entries", "other archive", "password", "cut", "no XML", "depth"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(content: bytes, limits: Limits, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        values(content, limits)
