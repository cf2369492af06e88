"""PDF: the text of each page where its anchor says, and clear words for what has none."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pypdf
import pytest

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.pdf_reader import PdfReader
from search.readers.documents.pdf_text import paragraphs
from tests.readers.contract import ReaderContract
from tests.readers.samples import pdf, pdf_of


class TestPdfReader(ReaderContract):
    name = "bread.pdf"

    def make_reader(self, limits: Limits | None = None) -> PdfReader:
        return PdfReader(limits)

    def sample(self) -> bytes:
        return pdf()

    def expected(self) -> list[Mapping[str, Any]]:
        anchors = [[0, "page 1"], [18, "page 2"]]
        return [{"title": "bread", "body": "Flour and water.\n\nBake it.", "anchors": anchors}]


def values(content: bytes, limits: Limits | None = None) -> dict[str, Any]:
    [record] = PdfReader(limits).read(io.BytesIO(content), PurePosixPath("my bread.pdf"))
    return dict(record.values)


def encrypted(user_password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf()))
    writer.encrypt(user_password=user_password, owner_password="owner", algorithm="AES-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_the_file_says_what_it_is() -> None:
    info = {
        "Title": "Baking", "Author": "Ada; Alan", "Subject": "Bread", "Keywords": "flour, water",
        "CreationDate": "D:20240301123000+01'00'", "ModDate": "D:20240302",
    }  # fmt: skip
    found = values(pdf(info=info, catalog="/Lang (de-AT)"))
    assert (found["title"], found["language"]) == ("Baking", "de-AT")
    assert found["metadata"] == {
        "format": "pdf", "page_count": 2, "authors": ["Ada", "Alan"], "subject": "Bread",
        "keywords": ["flour", "water"], "created": "2024-03-01T12:30:00+01:00", "modified": "2024-03-02",
    }  # fmt: skip


def test_a_page_without_text_has_no_anchor_and_the_next_keeps_its_number() -> None:
    found = values(pdf(["One.", "", "Three."]))
    assert found["body"] == "One.\n\nThree."
    assert found["anchors"] == [[0, "page 1"], [6, "page 3"]]


def test_headers_and_footers_of_most_pages_are_left_out() -> None:
    texts = [
        f"The Book of Bread\nLine one of {name}\nline two\nline three\nPage {n} of 5" for n, name in enumerate("abcde")
    ]
    body = values(pdf(texts))["body"]
    assert "Book of Bread" not in body and "of 5" not in body
    assert "Line one of e" in body


LONG = "This line is as long as most of the lines of its page are,"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([LONG, "and goes on here."], f"{LONG} and goes on here."),
        ([LONG[:-4] + " fer-", "mentation starts."], LONG[:-4] + " fermentation starts."),
        ([LONG[:-4] + " North-", "East wind."], LONG[:-4] + " North- East wind."),
        (["A heading", "the text below it, which is a good deal longer than that."], None),
        (["It ends.", LONG], None),
        ([LONG, "• an item", "2. another"], None),
        (["a", "", "", "", "b"], "a\n\nb"),
    ],
)
def test_lines_that_belong_together_are_joined(lines: list[str], text: str | None) -> None:
    assert paragraphs(lines) == (text if text is not None else "\n".join(lines))


def test_ligatures_are_letters_again() -> None:
    ligature = "<< /Type /Font /Subtype /Type1 /BaseFont /X /Encoding << /Differences [65 /fi /ffl] >> >>"
    stream = "BT /F 9 Tf 9 9 Td (A of waB) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 4 0 R >> >> /MediaBox [0 0 9 9] /Contents 5 0 R >>",
        ligature,
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    ]
    assert values(pdf_of(objects))["body"] == "fi of waffl"


def test_a_file_that_opens_without_a_password_is_read() -> None:
    assert values(encrypted(""))["body"] == "Flour and water.\n\nBake it."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encrypted("secret"), "protected with a password"),
        (pdf(["", ""]), r"no text layer \(pages: 2\).*OCR"),
        (pdf(["x"] * 9), "has 9 pages; one file may have 8"),
        (b"%PDF-1.7\nand then nothing", "damaged"),
        (pdf()[:120], "damaged"),
    ],
    ids=["password", "scan", "pages", "nothing", "cut"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        values(content, Limits(pages=8))


CATALOG, TREE = "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"


@pytest.mark.parametrize(
    "content",
    [
        pdf_of([CATALOG, TREE]),
        pdf_of([CATALOG, "2 0 R"]),
        pdf_of(
            [CATALOG, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 3 0 R /Contents 3 0 R >>"]
        ),
        pdf_of([CATALOG, "<< /Type /Pages /Kids " + "[" * 2_000 + "]" * 2_000 + " >>"]),
        pdf_of(["<< /Type /Catalog /Pages 1 0 R >>"], trailer="/Root 1 0 R /Prev 9"),
    ],
    ids=["page tree", "reference", "contents", "depth", "cross-reference"],
)
def test_loops_end_in_a_reason(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        values(content)
