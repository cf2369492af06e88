"""Bytes of a text to characters: by byte order mark, by what the text declares of itself, else detected.

Never fails: what no encoding explains is shown as U+FFFD, so that one bad byte does not lose a document.
"""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 4_096
_SAMPLE = 200_000  # of which an undeclared encoding is detected
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
    match = _DECLARED.search(raw[:_HEAD])
    named = declared or (match[1].decode("ascii", "replace") if match else "")
    if not declared and named.lower().startswith(("utf-16", "utf-32")):
        named = ""  # a declaration that could be read as ASCII is not in UTF-16
    return decode(raw, named)


def decode(raw: bytes, declared: str = "") -> str:
    """Return the text of `raw`: its byte order mark's encoding, the declared one, UTF-8, or a detected one."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    named = _codec(declared)
    for encoding in dict.fromkeys(filter(None, (named, "utf-8"))):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode(named or _detected(raw), "replace")


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name.strip()).name if name else ""
    except (LookupError, ValueError):
        return ""
    if found and not codecs.lookup(found)._is_text_encoding:  # base64, rot13 and their like
        return ""
    return _WIDER.get(found, found)


def _detected(raw: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:_SAMPLE]).best()
    return best.encoding if best else "utf-8"
