"""Sample files of every document format, made in code: what a test expects of them stands beside it.

The makers take what a test varies and give the file's bytes; `SAMPLES` has one good file of each format.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import quote

import docx

WHEN = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)


def markdown(front_matter: str = "", body: str = "# Bread\n\nFlour and water.\n") -> bytes:
    return (f"---\n{front_matter}\n---\n\n" if front_matter else "").encode() + body.encode()


def html(body: str = "<h1>Bread</h1><p>Flour and water.</p>", head: str = "", attributes: str = ' lang="en"') -> bytes:
    return f"<!DOCTYPE html><html{attributes}><head>{head}</head><body>{body}</body></html>".encode()


def pdf(
    pages: Sequence[str] = ("Flour and water.", "Bake it."),
    info: Mapping[str, str] | None = None,
    catalog: str = "",
) -> bytes:
    """Return a PDF whose pages have these lines of text in Helvetica; a page with "" has no text at all."""
    fields = "".join(f"/{name} ({value}) " for name, value in (info or {}).items())
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, text in enumerate(pages):
        content = _text_operators(text)
        resources = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 612 792]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {5 + 2 * number} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< {fields}>>")
    return pdf_of(objects, trailer=f"/Root 1 0 R /Info {len(objects)} 0 R")


def pdf_of(objects: Sequence[str], trailer: str = "/Root 1 0 R") -> bytes:
    """Return a PDF of these objects, numbered from 1, with a right cross-reference table."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, value in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{value}\nendobj\n".encode("cp1252")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += "".join(f"{offset:010} 00000 n \n" for offset in offsets).encode()
    out += f"trailer\n<< /Size {len(objects) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _text_operators(text: str) -> str:
    if not text:
        return ""
    escaped = (line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.split("\n"))
    return "BT /F1 12 Tf 14 TL 72 720 Td " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET"


def word(fill: Callable[[docx.document.Document], None] | None = None, title: str = "", language: str = "") -> bytes:
    """Return a Word document that `fill` has written."""
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.language = title, "Ada Lovelace; Alan Turing", language
    properties.created = properties.modified = WHEN.replace(tzinfo=None)
    if fill:
        fill(document)
    else:
        document.add_heading("Bread", 1)
        document.add_paragraph("Flour and water.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def zip_of(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_part(packed: bytes, name: str, content: str | bytes) -> bytes:
    """Return a packed file with one part replaced or added."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        parts: dict[str, str | bytes] = {entry: archive.read(entry) for entry in archive.namelist()}
    return zip_of({**parts, name: content})


CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def epub(
    chapters: Mapping[str, str] | None = None,
    metadata: str = "<dc:title>Baking</dc:title><dc:language>en</dc:language>",
    contents: Mapping[str, str] | None = None,
) -> bytes:
    """Return an EPUB with chapters (name → what is in their <body>) and a table of contents (name → title)."""
    chapters = chapters or {"one.xhtml": "<h1>Bread</h1><p>Flour and water.</p>", "two.xhtml": "<p>Bake it.</p>"}
    items = "".join(
        f'<item id="c{n}" href="{quote(name)}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    links = "".join(f'<li><a href="{quote(name)}#top">{title}</a></li>' for name, title in (contents or {}).items())
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata><manifest>'
        f'<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}</manifest>'
        f"<spine>{spine}</spine></package>"
    )
    pages = {f"OEBPS/{name}": xhtml(body) for name, body in chapters.items()}
    navigation = xhtml(f"<nav><ol>{links}</ol></nav>")
    return zip_of({
        "mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package,
        "OEBPS/nav.xhtml": navigation, **pages,
    })  # fmt: skip


def xhtml(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
    )


def mail(text: str = "Flour and water.\n", page: str = "", attachments: Sequence[str] = ()) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Bread"
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "alan@example.org"
    message["Date"] = "Fri, 01 Mar 2024 12:30:00 +0000"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(text)
    if page:
        message.add_alternative(page, subtype="html")
    for name in attachments:
        message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


SAMPLES: dict[str, Callable[[], bytes]] = {
    "markdown": markdown,
    "html": html,
    "pdf": pdf,
    "docx": word,
    "epub": epub,
    "eml": mail,
}
