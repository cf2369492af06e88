"""Bytes of a text to characters where the text, or what it comes in, declares an encoding.

A declaration is believed when it fits; what no encoding explains is shown as U+FFFD, so that one bad byte does not
lose a document. Texts without a declaration are left to `text_encoding`.
"""

import codecs
import io
import re

from .text_encoding import encoding_of

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


def decode_markup(raw: bytes, declared: str = "") -> str:
    """Return the text of an HTML or XML file; `declared` is what its surroundings, such as a mail, say of it."""
    if declared:
        return decode(raw, declared)
    match = _DECLARED.search(raw[:_HEAD])
    named = match[1].decode("ascii", "replace") if match else ""
    wide = named.lower().startswith(("utf-16", "utf-32"))  # not true, where it could be read as ASCII
    return decode(raw, "" if wide else named)


def decode(raw: bytes, declared: str = "") -> str:
    """Return the text of `raw`: in its byte order mark's encoding, the declared one, UTF-8, or a detected one.

    Raises UnreadableFile for binary content without a declaration.
    """
    named = "" if raw.startswith(_MARKS) else _codec(declared)
    for encoding in dict.fromkeys((named, "utf-8")) if named else ():
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    if named:
        return raw.decode(named, "replace")
    found = encoding_of(io.BytesIO(raw))
    return raw[found.mark_bytes :].decode(found.name, "replace")


def _codec(name: str) -> str:
    """Return Python's name of the text encoding that browsers take this name for, or ""."""
    try:
        found = codecs.lookup(name.strip()) if name else None
    except (LookupError, ValueError):
        return ""
    if found is None or not getattr(found, "_is_text_encoding", False):  # base64, rot13 and their like
        return ""
    return _WIDER.get(found.name, found.name)
