"""What the first bytes of a file are, whatever it is called: told by signatures, and for texts by how they begin.

Says "text" when nothing tells more; whether a text is CSV or Markdown only its name can say. Never unpacks more than
the first block of a packed file.
"""

import bz2
import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from search.readers.text.text_encoding import beginning, looks_binary

_SCAN = "Only text can be searched: recognise the text in it (OCR), and save that as PDF."
_SAVE_OFFICE = "Save it as .docx or .xlsx, without a password."
_UNPACK = "Unpack it first."


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is: the format that reads it ("" when none does), in words, and what a curator can do with it."""

    format: str
    words: str
    advice: str = ""

    @property
    def is_no_document(self) -> bool:
        """Whether no text is lost when it is left out: nothing reads it, and no other format would hold its text."""
        return not self.format and self.advice in ("", _SCAN)


PDF = Content("pdf", "a PDF document")
DOCX = Content("docx", "a Word document")
XLSX = Content("xlsx", "an Excel workbook")
EPUB = Content("epub", "an EPUB book")
ZIP = Content("zip", "a ZIP archive")
TAR = Content("tar", "a tar archive")
HTML = Content("html", "an HTML page")
XML = Content("text", "an XML file")
JSON = Content("json", "JSON")
JSONL = Content("jsonl", "JSON Lines")
EML = Content("eml", "an e-mail")
TEXT = Content("text", "text")
OPEN_DOCUMENT = Content("", "an OpenDocument file", "Save it as .docx or .xlsx.")
PRESENTATION = Content("", "a PowerPoint presentation", "Save it as PDF.")
NOT_TEXT = Content("", "not text")

_Signatures = tuple[tuple[int, bytes, Content], ...]  # with the place where each stands
_SIGNATURES: _Signatures = (
    (0, b"%PDF-", PDF),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content("", "an old or a locked Office document", _SAVE_OFFICE)),
    (0, b"{\\rtf", Content("", "a Rich Text document", "Save it as .docx.")),
    (0, b"%!PS", Content("", "a PostScript file", "Save it as PDF.")),
    (0, b"\x7fELF", Content("", "a Linux program")),
    (0, b"\xcf\xfa\xed\xfe", Content("", "a macOS program")),
    (0, b"\xca\xfe\xba\xbe", Content("", "a program")),
    (0, b"\x89PNG\r\n\x1a\n", Content("", "a PNG image", _SCAN)),
    (0, b"GIF87a", Content("", "a GIF image", _SCAN)),
    (0, b"GIF89a", Content("", "a GIF image", _SCAN)),
    (0, b"\xff\xd8\xff", Content("", "a JPEG image", _SCAN)),
    (0, b"SQLite format 3\0", Content("", "an SQLite database", "Export its tables as CSV.")),
    (0, b"7z\xbc\xaf\x27\x1c", Content("", "a 7-Zip archive", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Content("", "a file packed with Zstandard", _UNPACK)),
    (0, b"\x1aE\xdf\xa3", Content("", "a video")),
)
_BINARY_SIGNATURES: _Signatures = (  # a text could begin like these
    (0, b"MZ", Content("", "a Windows program")),
    (0, b"II*\0", Content("", "a TIFF image", _SCAN)),
    (0, b"MM\0*", Content("", "a TIFF image", _SCAN)),
    (8, b"WEBP", Content("", "a WebP image", _SCAN)),
    (0, b"BM", Content("", "a BMP image", _SCAN)),
    (4, b"ftyphei", Content("", "a HEIC image", _SCAN)),
    (4, b"ftyp", Content("", "a video or sound file")),
    (8, b"WAVE", Content("", "a sound file")),
    (8, b"AVI ", Content("", "a video")),
    (0, b"ID3", Content("", "a sound file")),
    (0, b"OggS", Content("", "a sound file")),
    (0, b"fLaC", Content("", "a sound file")),
    (0, b"\0\1\0\0", Content("", "a font")),
    (0, b"wOF", Content("", "a font")),
    (0, b"OTTO", Content("", "a font")),
    (0, b"PAR1", Content("", "a Parquet file", "Export it as CSV or JSON Lines.")),
    (0, b"Rar!", Content("", "a RAR archive", _UNPACK)),
)
_PACKED: tuple[tuple[int, bytes, str, Callable[[bytes], bytes]], ...] = (
    (0, b"\x1f\x8b", "gzip", lambda head: zlib.decompressobj(wbits=31).decompress(head, 1024)),
    (4, b"1AY&SY", "bzip2", lambda head: bz2.BZ2Decompressor().decompress(head, 1024)),
    (0, b"\xfd7zXZ\0", "xz", lambda head: lzma.LZMADecompressor(memlimit=100 << 20).decompress(head, 1024)),
)
_HTML = re.compile(  # possessive throughout: comments without end must not be tried in all ways
    r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_JSON = re.compile(r'\s*(\{\s*"[^"]{0,200}"\s*:|\[\s*\{\s*")')
_MAIL = re.compile(r"(From|To|Subject|Date|Message-ID|Received|MIME-Version|Return-Path):", re.IGNORECASE)
_OFFICE_PARTS = (
    (("word/document", "word/styles", "word/_rels", "word/theme", "word/media", "word/settings"), DOCX),
    (("xl/workbook", "xl/worksheets/", "xl/sharedStrings", "xl/styles", "xl/theme", "xl/_rels"), XLSX),
    (("ppt/presentation", "ppt/slides/", "ppt/_rels", "ppt/theme"), PRESENTATION),
    (("META-INF/container.xml",), EPUB),
)


def content_of(head: bytes) -> Content:
    """Return what a file is that begins with `head`."""
    if sure := _signed(head, _SIGNATURES):
        return sure
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_content(head)
    for offset, signature, name, unpack in _PACKED:
        if head.startswith(signature, offset):
            return _packed_content(name, unpack, head)
    if is_tar(head):
        return TAR
    if looks_binary(head):
        return _signed(head, _BINARY_SIGNATURES) or NOT_TEXT
    return _text_content(beginning(head))


def _signed(head: bytes, signatures: _Signatures) -> Content | None:
    found = (content for offset, signature, content in signatures if head.startswith(signature, offset))
    return next(found, None)


def is_tar(block: bytes) -> bool:
    """Whether this is the first block of a tar archive, whose checksum tells it from all else."""
    try:
        tarfile.TarInfo.frombuf(block[:512], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def json_lines(text: str) -> bool | None:
    """Whether a JSON text has one object in each line; None when its beginning does not tell."""
    first, _, rest = text.strip().partition("\n")
    if first.strip() in ("{", "[") or first.startswith("["):
        return False
    if not rest.strip():
        return None
    try:
        return isinstance(json.loads(first), dict)  # what follows it may be a broken line, but no part of one JSON text
    except (ValueError, RecursionError):
        return None


def _zip_content(head: bytes) -> Content:
    names = _entry_names(head)
    if names[:1] == ["mimetype"]:
        kind = head[38:120]
        if kind.startswith(b"application/epub+zip"):
            return EPUB
        if kind.startswith(b"application/vnd.oasis.opendocument"):
            return OPEN_DOCUMENT
    for beginnings, content in _OFFICE_PARTS:
        if any(name.startswith(beginnings) for name in names):
            return content
    return ZIP


def _entry_names(head: bytes) -> list[str]:
    """Return the names of the entries that begin in `head`."""
    names, position = [], head.find(b"PK\x03\x04")
    while position >= 0:
        length = int.from_bytes(head[position + 26 : position + 28], "little")
        names.append(head[position + 30 : position + 30 + length].decode("utf-8", "replace"))
        position = head.find(b"PK\x03\x04", position + 4)
    return names


def _packed_content(name: str, unpack: Callable[[bytes], bytes], head: bytes) -> Content:
    packed = Content("", f"a file packed with {name}", _UNPACK)
    try:
        block = unpack(head)
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
        return packed
    if is_tar(block) or (name == "bzip2" and not block):  # whose first block may be longer than the head
        return TAR
    return packed


def _text_content(text: str) -> Content:
    if _HTML.match(text, 0, 4096):
        return HTML
    if text.lstrip().startswith("<?xml"):
        return XML
    if _JSON.match(text):
        return JSONL if json_lines(text) else JSON
    headers = [line for line in text.split("\n\n", maxsplit=1)[0].splitlines()[:50] if _MAIL.match(line)]
    return EML if len(headers) > 1 and re.match(r"[!-9;-~]+:", text) else TEXT


def mail_headers(text: str) -> bool:
    """Whether a text begins as an e-mail must, with a header or the line of a mail box."""
    return bool(re.match(r"\s*([!-9;-~]+:|>?From )", text))
