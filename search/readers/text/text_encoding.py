"""Which encoding a text without a declaration is in: by byte order mark, as UTF-8, or detected from a sample.

Detection weighs what a language looks like, and prefers what people's files are in today: a Western text reads
as letters in a dozen encodings. Never takes binary content for text.
"""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from search.readers.base import UnreadableFile

_HEAD_BYTES = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# In order of preference where a sample fits several of them equally well.
_CANDIDATES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp932", "euc_jp", "gb18030",
    "big5", "cp949", "koi8_r", "iso8859_2", "iso8859_5", "iso8859_7", "cp866", "cp850", "mac_roman",
)  # fmt: skip
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_FIRST_LOOK_BYTES = 64 << 20  # how far to look for the first byte outside ASCII
_SAMPLE_BYTES = 20_000
_EQUAL_CHAOS = 0.03
_EQUAL_COHERENCE = 0.06
_EQUAL_COHERENCE_WHEN_LONG = 0.02
_LONG_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file: Python's name of the encoding, and the bytes of the mark before the text."""

    name: str
    mark_bytes: int = 0

    @property
    def errors(self) -> str:
        """Return what to do with bytes that have no meaning: keep them recognisable where Python can."""
        return "replace" if self.name.startswith(("utf-16", "utf-32")) else "surrogateescape"


def encoding_of(file: BinaryIO) -> Encoding:
    """Return the encoding of a file, which is left where its text begins. Raises UnreadableFile if it is binary."""
    encoding = detected(_sample(file))
    file.seek(encoding.mark_bytes)
    return encoding


def detected(sample: bytes) -> Encoding:
    """Return the encoding of a text of which `sample` is the beginning. Raises UnreadableFile if it is binary."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name, len(mark))
    if wide := _without_mark(sample):
        return Encoding(wide)
    if looks_binary(sample):
        raise UnreadableFile("This is not a text: most likely it is a program's own data, or a damaged file.")
    if _is_utf8(sample):
        return Encoding("utf-8")
    return Encoding(_likeliest(sample))


def beginning(sample: bytes) -> str:
    """Return the characters of a text's beginning, roughly: enough to see markup and punctuation."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return sample[len(mark) :].decode(name, "replace")
    return sample.decode(_without_mark(sample) or "utf-8", "replace")


def looks_binary(sample: bytes) -> bool:
    """Whether so many control characters are in it that it cannot be a text in any encoding of one byte or UTF-8."""
    if sample.startswith(tuple(mark for mark, _ in _MARKS)) or _without_mark(sample):
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > 2 and controls > len(sample) * 0.02


def _sample(file: BinaryIO) -> bytes:
    """Return the beginning of a file, and where that is plain ASCII the first part that is not."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not head.isascii() or b"\0" in head:
        return head
    for _ in range(_FIRST_LOOK_BYTES >> 20):
        part = file.read(1 << 20)
        if not part.isascii():
            return head + part
        if not part:
            break
    return head


def _without_mark(sample: bytes) -> str:
    """Return UTF-16 without a mark, told by the zero bytes that Latin letters, digits and spaces have in it."""
    start = sample[: min(len(sample), 4096) // 2 * 2]
    even, odd, half = start[::2].count(0), start[1::2].count(0), max(len(start) // 2, 1)
    if max(even, odd) <= half * 0.3 or min(even, odd) >= half * 0.05:
        return ""
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = start.decode(name, "replace")
    strange = sum((char < " " and char not in "\t\n\r\f") or char == "\ufffd" for char in text)
    return name if strange * 50 <= len(text) else ""


def _is_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8, but for a cut at its end and a stray byte here and there."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "surrogateescape")
        strays = sum("\udc80" <= char <= "\udcff" for char in text)
        return strays * 2 <= sum(char > "\x7f" for char in text) - strays
    return True


def _likeliest(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    telling = _telling(sample)
    matches = list(from_bytes(telling, cp_isolation=list(_CANDIDATES), threshold=0.35))
    if not matches:
        raise UnreadableFile("The encoding of this text cannot be recognised. Save it as UTF-8.")
    chaos = min(match.chaos for match in matches) + _EQUAL_CHAOS
    matches = [match for match in matches if match.chaos <= chaos]
    equal = _EQUAL_COHERENCE if len(telling) < _LONG_BYTES else _EQUAL_COHERENCE_WHEN_LONG
    coherence = max(match.coherence for match in matches) - equal
    names = {name for match in matches if match.coherence >= coherence for name in match.could_be_from_charset}
    return min(names & set(_CANDIDATES), key=_CANDIDATES.index)


def _telling(sample: bytes) -> bytes:
    """Return the lines outside ASCII, whole ones where possible: half a character would rule its encoding out."""
    telling = b"\n".join(line for line in sample.splitlines() if not line.isascii())
    if len(telling) <= _SAMPLE_BYTES:
        return telling
    cut = telling[:_SAMPLE_BYTES]
    return cut[: cut.rfind(b"\n")] if b"\n" in cut else cut
