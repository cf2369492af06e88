"""Documents made to do harm, and broken ones: XML and its entities, Office files, PDF, mail, pages."""

import io
import zipfile
import zlib

from . import samples
from .hostile import Hostile

SECRET = "root:"  # how the file begins that the entities below would like to show
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "laugh laugh laugh">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
_FILE_ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
_WEB_ENTITY = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">'
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_WORD_NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHEET_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'

_STRINGS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    b'spreadsheetml.sharedStrings+xml"/></Types>'
)


def word_of(document: str) -> bytes:
    return samples.with_part(samples.word(), "word/document.xml", _XML + document)


def word_body(doctype: str, text: str) -> bytes:
    return word_of(
        f"{doctype}<w:document {_WORD_NS}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    )


def word_of_tables(depth: int) -> bytes:
    opened = "<w:tbl><w:tr><w:tc>" * depth + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * depth
    return word_of(f"<w:document {_WORD_NS}><w:body>{opened}</w:body></w:document>")


def word_external() -> bytes:
    relations = (
        f'{_XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" TargetMode="External" Target="http://127.0.0.1:9/evil.dotm" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/>'
        '<Relationship Id="rId2" TargetMode="External" Target="file:///etc/passwd" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"/></Relationships>'
    )
    return samples.with_part(samples.word(), "word/_rels/document.xml.rels", relations)


def word_without(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(samples.word())) as archive:
        return samples.zip_of({entry: archive.read(entry) for entry in archive.namelist() if entry != name})


def workbook(sheet: str, strings: str = "") -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet_of_book = book.create_sheet("sheet", 0)
    sheet_of_book.append(["id", "title"])
    sheet_of_book.append([1, "sound"])
    out = io.BytesIO()
    book.save(out)
    content = out.getvalue()
    if sheet:
        content = samples.with_part(content, "xl/worksheets/sheet1.xml", _XML + sheet)
    if strings:
        content = samples.with_part(content, "xl/sharedStrings.xml", _XML + strings)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            types = archive.read("[Content_Types].xml").replace(b"</Types>", _STRINGS_TYPE)
        content = samples.with_part(content, "[Content_Types].xml", types)
    return content


def sheet_of(rows: str, doctype: str = "", dimension: str = "") -> str:
    said = f'<dimension ref="{dimension}"/>' if dimension else ""
    return f"{doctype}<worksheet {_SHEET_NS}>{said}<sheetData>{rows}</sheetData></worksheet>"


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


_NAMES = f'<row r="1">{cell("A1", "id")}{cell("B1", "title")}</row>'


def book_package(package: str) -> bytes:
    return samples.with_part(samples.epub(), "OEBPS/book.opf", _XML + package)


def pdf_stream(content: bytes, filters: str, length: str = "") -> bytes:
    """Return a PDF whose one page has this content stream."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        f"<< /Length {length or len(content)} {filters} >>\nstream\n@@@\nendstream",
    ]
    return samples.pdf_of(objects).replace(b"@@@", content)


def pdf_bomb() -> bytes:
    return pdf_stream(
        zlib.compress(zlib.compress(b"(x) Tj " * 40_000_000, 1), 9), "/Filter [/FlateDecode /FlateDecode]"
    )


def pdf_page_loop() -> bytes:
    return samples.pdf_of([
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
    ])  # fmt: skip


def pdf_self_contents() -> bytes:
    return samples.pdf_of([
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        "4 0 R",
    ])  # fmt: skip


def pdf_form_loop() -> bytes:
    return samples.pdf_of([
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>",
        "<< /Length 5 >>\nstream\n/X Do\nendstream",
        "<< /Subtype /Form /Resources << /XObject << /X 5 0 R >> >> /Length 5 >>\nstream\n/X Do\nendstream",
    ])  # fmt: skip


def pdf_previous_loop() -> bytes:
    content = samples.pdf()
    start = content.index(b"xref\n")
    return content.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % start)


def pdf_many_pages() -> bytes:
    kids = " ".join(["3 0 R"] * 6_000)
    return samples.pdf_of([
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count 6000 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ])  # fmt: skip


def pdf_encrypted() -> bytes:
    import pypdf

    writer = pypdf.PdfWriter(io.BytesIO(samples.pdf()))
    writer.encrypt("a password", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def yaml_bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


def nested_mail(depth: int) -> bytes:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n" for number in range(depth))
    return (
        f"From: a@example.org\nSubject: nested\nMIME-Version: 1.0\n{opened}Content-Type: text/plain\n\nDeep.\n".encode()
    )


_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3_000)
_DAMAGED = "(?i)damaged|cannot be read|not whole|no text"
_ENTITY = "(?i)entit|DTD|document type|doctype|damaged|made to do harm"

FILES = (
    Hostile("a billion laughs in a Word document", "laughs.docx", lambda: word_body(_LAUGHS, "&j;"), _ENTITY),
    Hostile("a local file in a Word document", "xxe.docx", lambda: word_body(_FILE_ENTITY, "&e;"), "no text"),
    Hostile("a document type from the web", "dtd.docx", lambda: word_body(_WEB_ENTITY, "Text."), at="nothing"),
    Hostile("a template and a picture from elsewhere", "external.docx", word_external, at="nothing", never=SECRET),
    Hostile("tables in tables", "tables.docx", lambda: word_of_tables(3_000), "(?i)nested|deep|damaged"),
    Hostile("a part of 60 MB of blanks", "bomb.docx",
            lambda: samples.with_part(samples.word(), "word/document.xml", b" " * (60 << 20)), r"times its size"),
    Hostile("a Word document without a text", "no.docx", lambda: word_without("word/document.xml"), _DAMAGED),
    Hostile("half a Word document", "half.docx", lambda: samples.word()[:5_000], _DAMAGED),
    Hostile("an old or encrypted Office file", "old.docx", lambda: _OLD_OFFICE, "(?i)password|old"),
    Hostile("a billion laughs in a workbook", "laughs.xlsx",
            lambda: workbook(sheet_of(_NAMES + f'<row r="2">{cell("A2", "&j;")}</row>', _LAUGHS)), _ENTITY),
    Hostile("a billion laughs in its strings", "strings.xlsx",
            lambda: workbook(sheet_of(_NAMES + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>'),
                             f"{_LAUGHS}<sst {_SHEET_NS}><si><t>&j;</t></si></sst>"), _ENTITY),
    Hostile("a local file in a workbook", "xxe.xlsx",
            lambda: workbook(sheet_of(_NAMES + f'<row r="2">{cell("A2", "&e;")}</row>', _FILE_ENTITY)), _ENTITY),
    Hostile("17 billion cells by its own word", "size.xlsx",
            lambda: workbook(sheet_of(_NAMES + f'<row r="2">{cell("A2", "1")}</row>', dimension="A1:XFD1048576")),
            at="nothing"),
    Hostile("a row with a number of a billion", "row.xlsx",
            lambda: workbook(sheet_of(_NAMES + f'<row r="2">{cell("A2", "1")}</row><row r="999999999">'
                                      f'{cell("A999999999", "x")}</row>')), at="nothing"),
    Hostile("half a workbook", "half.xlsx", lambda: workbook("")[:2_000], _DAMAGED),
    Hostile("a local file in a book", "xxe.epub",
            lambda: book_package(f"{_FILE_ENTITY}<package><metadata>&e;</metadata></package>"), _ENTITY),
    Hostile("chapters outside of the book", "up.epub",
            lambda: book_package('<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="c" '
                                 'href="../../../../etc/passwd" media-type="application/xhtml+xml"/></manifest><spine>'
                                 '<itemref idref="c"/></spine></package>'), _DAMAGED),
    Hostile("a book without a package", "no.epub", lambda: samples.zip_of({"mimetype": "application/epub+zip"}),
            "(?i)damaged|missing"),
    Hostile("a chapter of 60 MB of blanks", "bomb.epub",
            lambda: samples.with_part(samples.epub(), "OEBPS/one.xhtml", b" " * (60 << 20)), "times its size"),
    Hostile("half a PDF", "half.pdf", lambda: samples.pdf(["Some text. " * 200] * 5)[:900], _DAMAGED),
    Hostile("a PDF of a header alone", "header.pdf", lambda: b"%PDF-1.7\n", _DAMAGED),
    Hostile("pages that are their own parents", "loop.pdf", pdf_page_loop, _DAMAGED + "|text layer"),
    Hostile("a content that is itself", "self.pdf", pdf_self_contents, _DAMAGED + "|text layer"),
    Hostile("a form that draws itself", "form.pdf", pdf_form_loop, _DAMAGED + "|text layer|nested"),
    Hostile("a cross-reference table before itself", "xref.pdf", pdf_previous_loop, at="nothing"),
    Hostile("a PDF bomb", "bomb.pdf", pdf_bomb, _DAMAGED + "|memory|computing|harm"),
    Hostile("a length of 10 GB", "length.pdf", lambda: pdf_stream(b"BT ET", "", "10737418240"),
            _DAMAGED + "|text layer"),
    Hostile("deep arrays in a PDF", "deep.pdf", lambda: pdf_stream(b"[" * 50_000 + b"] TJ", ""),
            _DAMAGED + "|nested|text layer"),
    Hostile("6,000 pages that are one", "pages.pdf", pdf_many_pages, "(?i)pages|damaged"),
    Hostile("an encrypted PDF", "locked.pdf", pdf_encrypted, "protected with a password"),
    Hostile("a scan", "scan.pdf", lambda: samples.pdf([""]), "text layer"),
    Hostile("100,000 open elements", "deep.html", lambda: samples.html("<div>" * 100_000 + "Some text."), "nested"),
    Hostile("a billion laughs in a page", "laughs.html",
            f"<!DOCTYPE html>{_LAUGHS}<html><body><p>Some text. &j;</p></body></html>".encode, at="nothing",
            never="laugh laugh laugh laugh"),
    Hostile("a local file in a page", "xxe.html",
            f"{_FILE_ENTITY}<html><body><p>Some text. &e;</p></body></html>".encode, at="nothing", never=SECRET),
    Hostile("a page of scripts alone", "script.html", lambda: samples.html("<script>alert(1)</script>"), "(?i)no text"),
    Hostile("an attribute of 1 MB", "attribute.html",
            lambda: samples.html(f'<p class="{"x" * 1_000_000}">Some text.</p>'), at="nothing"),
    Hostile("a page in an encoding that it denies", "charset.html",
            lambda: samples.html("<p>Größe und Länge.</p>", '<meta charset="utf-16">'), at="nothing"),
    Hostile("a YAML bomb", "bomb.md", lambda: samples.markdown(yaml_bomb()), at="nothing", never="'x', 'x', 'x', 'x'"),
    Hostile("a Python object in front matter", "object.md",
            lambda: samples.markdown("x: !!python/object/apply:os.system ['touch hostile-was-here']"),
            at="nothing"),
    Hostile("100,000 brackets", "brackets.md", lambda: b"# Text\n\n" + b"[" * 100_000 + b"](", at="nothing"),
    Hostile("100,000 quotes in quotes", "quotes.md", lambda: b"# Text\n\n" + b">" * 100_000 + b" deep\n", at="nothing"),
    Hostile("1,000 mails in each other", "nested.eml", lambda: nested_mail(1_000), "(?i)nested|damaged|parts"),
    Hostile("a header of 5 MB", "header.eml",
            lambda: b"From: a@example.org\nSubject: " + b"x" * 5_000_000 + b"\n\nSome text.\n", at="nothing"),
    Hostile("a boundary that never comes", "boundary.eml",
            lambda: b"From: a@b.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\nno parts\n",
            "no text"),
    Hostile("a mail in an encoding that nobody knows", "charset.eml",
            lambda: b"From: a@b.org\nMIME-Version: 1.0\nContent-Type: text/plain; charset=evil\n\nSome text.\n",
            at="nothing"),
)  # fmt: skip
