"""Formats told by name and content, and the contradictions between the two."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from contextlib import suppress

import pytest

from search.readers.base import UnreadableFile
from search.readers.sniffing import EXTENSIONS, HEAD_BYTES, sniff

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@\0\0\0\0\0\0\0"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
HTML = b"<!-- saved -->\n<!DOCTYPE html>\n<html><body>Hello</body></html>"
MAIL = b"From: ann@example.org\nSubject: Tea\n\nAt five?"


def archive(*names: str, content: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in names:
            packed.writestr(name, content)
    return file.getvalue()


def tar(mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as packed:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("a.txt")
        entry.size = 300_000
        packed.addfile(entry, io.BytesIO(random.Random(1).randbytes(entry.size)))
    return file.getvalue()[:HEAD_BYTES]


DOCX = archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = archive("docProps/app.xml", "xl/workbook.xml", "[Content_Types].xml")
EPUB = archive("mimetype", "META-INF/container.xml", content=b"application/epub+zip")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@pytest.mark.parametrize(
    ("name", "head", "format_name"),
    [
        ("A.CSV", b"a;b\n1;2\n", "csv"),
        ("a.tab", b"a\tb\n", "tsv"),
        ("a.json", b'[{"a": 1}]', "json"),
        ("a.json", b'{"a": 1}', "json"),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.jsonl", b'{"a": 1}\n', "jsonl"),
        ("a.jsonl", b'{"a": "' + b"x" * HEAD_BYTES, "jsonl"),
        ("a.jsonl", b'[\n{"a": 1}\n]', "json"),
        ("a.ndjson", b'{\n"documents": []}', "json"),
        ("a.txt", HTML, "text"),
        ("a.txt", "Grüße".encode("utf-16"), "text"),
        ("a.txt", "Greetings to all".encode("utf-16-le"), "text"),
        ("notes.md", HTML, "markdown"),
        ("notes.md", b"# Notes", "markdown"),
        ("a.html", b"just words", "html"),
        ("a.md", b"<!-- a note -->\n" * 200 + b"# Notes", "markdown"),
        ("a.eml", MAIL, "eml"),
        ("a.pdf", PDF, "pdf"),
        ("a.pdf", b"\n\n" + PDF, "pdf"),
        ("a.docx", DOCX, "docx"),
        ("a.docx", archive("other.bin"), "docx"),
        ("a.xlsx", XLSX, "xlsx"),
        ("a.epub", EPUB, "epub"),
        ("a.zip", archive("a.txt", "b/c.pdf"), "zip"),
        ("a.zip", archive(), "zip"),
        ("a.tar", tar(), "tar"),
        ("a.tar", bytes(10_240), "tar"),
        ("a.tgz", tar("w:gz"), "tar"),
        ("a.tar.gz", tar("w:gz"), "tar"),
        ("a.tar.bz2", tar("w:bz2"), "tar"),
        ("a.tar.xz", tar("w:xz"), "tar"),
        ("dir.d/a.b.TAR.GZ", tar("w:gz"), "tar"),
    ],
)
def test_a_name_that_fits_its_content_is_believed(name: str, head: bytes, format_name: str) -> None:
    assert sniff(name, head) == format_name


@pytest.mark.parametrize(
    ("name", "head", "format_name"),
    [
        ("README", b"Read me", "text"),
        ("settings.conf", b"[a]\nb = 1\n", "text"),
        ("page.php", HTML, "html"),
        ("answer", b'{"total": 1}', "json"),
        ("answer", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("book.ipynb", b'{"cells": []}', "text"),
        ("message", MAIL, "eml"),
        ("scan", PDF, "pdf"),
        ("letter", DOCX, "docx"),
        ("backup.bak", archive("a.txt"), "zip"),
        ("backup", tar("w:gz"), "tar"),
        ("Dr. Otto", b"OTTO and ID3 and BZh and MZ begin texts too", "text"),
        ("otto", b"OTTO is a name", "text"),
        ("v1.0", b"ID3 tags hold titles", "text"),
        ("n", b"BZhang wrote this", "text"),
        ("page", b"<!-- a note -->\n" * 50 + HTML, "html"),
    ],
)
def test_a_name_that_says_nothing_leaves_it_to_the_content(name: str, head: bytes, format_name: str) -> None:
    assert sniff(name, head) == format_name


@pytest.mark.parametrize(
    ("name", "head", "content", "way_out"),
    [
        ("report.pdf", EXE, "a Windows program", ""),
        ("a.pdf", DOCX, "a Word document", "rename it to end in .docx"),
        ("a.txt", PDF, "a PDF document", "rename it to end in .pdf"),
        ("a.csv", HTML, "an HTML page", "rename it to end in .html"),
        ("a.csv", b'[{"a": 1}]', "JSON", "rename it to end in .json"),
        ("a.csv", XLSX, "an Excel workbook", "rename it to end in .xlsx"),
        ("a.csv", b"<?xml version='1.0'?><a/>", "an XML file", ""),
        ("a.json", b"hello", "no JSON", ""),
        ("a.jsonl", HTML, "an HTML page", ""),
        ("a.docx", XLSX, "an Excel workbook", "rename it to end in .xlsx"),
        ("a.docx", OLE, "an old or a locked Office document", "without a password"),
        ("a.docx", archive("mimetype", content=b"application/vnd.oasis.opendocument.text"), "an OpenDocument", ".docx"),
        ("a.xlsx", b"a,b\n1,2\n", "text", ""),
        ("a.txt", b"{\\rtf1 hello}", "a Rich Text document", "Save it as .docx"),
        ("a.eml", b"hello", "text without the headers of an e-mail", ""),
        ("a.md", PNG, "a PNG image", "OCR"),
        ("a.zip", b"not packed", "text", "rename it to end in .txt"),
        ("a.tgz", gzip.compress(b"a,b", mtime=0), "a file packed with gzip", "Unpack it first"),
        ("a.html", bytes(range(256)), "not text", ""),
    ],
)
def test_a_name_that_contradicts_its_content_is_an_error_with_both(
    name: str, head: bytes, content: str, way_out: str
) -> None:
    with pytest.raises(UnreadableFile) as refused:
        sniff(name, head)
    message = str(refused.value)
    assert f"“{name}” ends in .{name.rsplit('.', maxsplit=1)[-1]}, but its content is {content}" in message
    assert way_out in message


@pytest.mark.parametrize(
    ("name", "head", "message"),
    [
        ("a.doc", OLE, "“a.doc” is an old or a locked Office document, which cannot be read. Save it as .docx"),
        ("a.png", PNG, "“a.png” is a PNG image, which cannot be read. Only text can be searched"),
        ("a.pptx", archive("ppt/presentation.xml"), "“a.pptx” is a PowerPoint presentation"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b", mtime=0),
            "“a.csv.gz” is a file packed with gzip, which cannot be read. Unpack",
        ),
        ("a.xz", lzma.compress(b"a,b"), "“a.xz” is a file packed with xz"),
        ("a.bz2", bz2.compress(b"a,b"), "“a.bz2” is a file packed with bzip2"),
        ("a.ttf", b"\0\1\0\0\0\x12\1\0\0\4\0 ", "“a.ttf” is a font"),
        ("a.bin", b"".join(n.to_bytes(2, "little") for n in range(200)), "“a.bin” is not text"),
        ("a.bin", bytes(range(256)), "“a.bin” is not text, which cannot be read."),
        ("../../etc/empty.txt", b"", "“empty.txt” is empty."),
        ("a" * 500 + ".pdf", b"", "aaa.pdf” is empty."),
    ],
)
def test_what_no_reader_reads_is_refused_in_words(name: str, head: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        sniff(name, head)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 400


def test_whatever_the_bytes_a_file_has_a_format_or_a_reason() -> None:
    dice = random.Random(3)
    seeds = [b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\xff\xfe", b"{", b"<", DOCX, tar("w:xz")]
    for number in range(600):
        name = "a" + dice.choice([*EXTENSIONS, "", ".x"])
        head = seeds[number % len(seeds)][: dice.randrange(1, 400)] + dice.randbytes(dice.randrange(200))
        with suppress(UnreadableFile):
            assert sniff(name, head) in EXTENSIONS.values()
