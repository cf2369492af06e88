"""Bytes of a text to characters where the text, or what it comes in, declares an encoding.

A declaration is believed when it fits, before what the import was told; what no encoding explains is shown as U+FFFD,
so that one bad byte does not lose a document. Texts without a declaration are left to `text_encoding`.
"""

import codecs
import io
import re

from search.readers.base import Notes, Reader

from .text_encoding import Encoding, encoding_of, seems_utf8
from .text_lines import of_one_byte

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_HEAD = 4_096
_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,500}?charset\s*=|<\?xml[^>]{0,200}?encoding\s*=)\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
# What the WHATWG encoding standard reads under these names, as all browsers do.
_WIDER = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874", "gb2312": "gb18030",
    "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "utf-16": "utf-16-le",
}  # fmt: skip
_NO_FILES = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7")  # of Python, or unsafe


class UnknownEncoding(ValueError):
    """No encoding of texts has this name."""


def encoding_named(name: str) -> str:
    """Return Python's name of an encoding, "" for "". Raises UnknownEncoding."""
    if not name.strip():
        return ""
    if found := _codec(name):
        return found
    raise UnknownEncoding(f"{name!r} is no encoding that is known here; for example utf-8, windows-1252, koi8-r, big5.")


def decode_markup(raw: bytes, reader: Reader, declared: str = "") -> str:
    """Return the text of an HTML or XML file; `declared` is what its surroundings, such as a mail, say of it."""
    if declared:
        return decode(raw, reader, declared)
    match = _DECLARED.search(raw[:_HEAD])
    named = match[1].decode("ascii", "replace") if match else ""
    wide = named.lower().startswith(("utf-16", "utf-32"))  # not true, where it could be read as ASCII
    return decode(raw, reader, "" if wide else named)


def decode(raw: bytes, reader: Reader, declared: str = "") -> str:
    """Return the text of `raw`: in its byte order mark's encoding, the declared one, the reader's, or a detected one.

    What is found out is noted in `reader.notes`. Raises UnreadableFile for binary content without a declaration.
    """
    named = "" if raw.startswith(_MARKS) else _codec(declared)
    for encoding in dict.fromkeys((named, "utf-8")) if named else ():
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _noted(text, raw, Encoding(encoding), reader.notes)
    found = Encoding(named) if named else encoding_of(io.BytesIO(raw), reader.encoding)
    return _noted(raw[found.mark_bytes :].decode(found.name, "replace"), raw, found, reader.notes)


def _noted(text: str, raw: bytes, encoding: Encoding, notes: Notes) -> str:
    if encoding.name == "utf-8":
        notes.unreadable += text.count("\ufffd") - raw.count("\ufffd".encode())
    else:
        notes.unreadable += text.count("\ufffd")
    if not text.isascii() or not notes.encoding:  # a chapter in plain ASCII says nothing of the others
        notes.encoding = encoding.name
        notes.doubtful = notes.doubtful or not encoding.sure
    if of_one_byte(encoding.name):
        notes.like_utf8 += sum(map(seems_utf8, raw.splitlines()))
    return text


def _codec(name: str) -> str:
    """Return Python's name of the text encoding that browsers take this name for, or ""."""
    try:
        found = codecs.lookup(name.strip()) if name else None
    except (LookupError, ValueError):
        return ""
    if found is None or found.name in _NO_FILES or not getattr(found, "_is_text_encoding", False):
        return ""
    return _WIDER.get(found.name, found.name)
