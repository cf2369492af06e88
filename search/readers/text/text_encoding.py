"""Which encoding a text without a declaration is in: by byte order mark, as it was told, as UTF-8, or guessed.

The guess is `likely_encoding`'s; here is what comes before it. Never takes binary content for text.
"""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from search.readers.base import Reader, UnreadableFile

_HEAD_BYTES = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_FIRST_LOOK_BYTES = 64 << 20  # how far to look for the first byte outside ASCII
_SAMPLE_BYTES = 20_000
_ISO2022_JP = (b"\x1b$B", b"\x1b$@")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file: Python's name of the encoding, and the bytes of the mark before the text."""

    name: str
    mark_bytes: int = 0
    sure: bool = True  # False for a guess that another encoding is close to

    @property
    def errors(self) -> str:
        """Return what to do with bytes that have no meaning: keep them recognisable where Python can."""
        return "replace" if self.name.startswith(("utf-16", "utf-32")) else "surrogateescape"


def encoding_for(reader: Reader, file: BinaryIO) -> Encoding:
    """Return the encoding in which a reader reads a file, and note it; the file is left where its text begins."""
    encoding = encoding_of(file, reader.encoding)
    reader.notes.encoding, reader.notes.doubtful = encoding.name, not encoding.sure
    return encoding


def encoding_of(file: BinaryIO, told: str = "") -> Encoding:
    """Return the encoding of a file, which is left where its text begins. Raises UnreadableFile if it is binary."""
    encoding = detected(_sample(file), told)
    file.seek(encoding.mark_bytes)
    return encoding


def detected(sample: bytes, told: str = "") -> Encoding:
    """Return the encoding of a text of which `sample` is the beginning; without a mark the one that was `told`.

    Raises UnreadableFile if it is binary.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name, len(mark))
    if told:
        return Encoding(told)
    if wide := _without_mark(sample):
        return Encoding(wide)
    if looks_binary(sample):
        raise UnreadableFile("This is not a text: most likely it is a program's own data, or a damaged file.")
    if any(escape in sample for escape in _ISO2022_JP):
        return Encoding("iso2022_jp")
    return Encoding("utf-8") if _is_utf8(sample) else _likeliest(sample)


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
    """Whether it is UTF-8, but for a cut at its end and, in fewer than half of its letters, stray bytes."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=len(sample) < _HEAD_BYTES)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "surrogateescape")
        strays = sum("\udc80" <= char <= "\udcff" for char in text)
        valid = sum(char > "\x7f" for char in text) - strays
        return strays * 2 <= valid or (strays <= valid and any(map(seems_utf8, sample.splitlines())))
    return True


def seems_utf8(line: bytes) -> bool:
    """Whether a line has letters outside ASCII, and all of them are UTF-8: no other encoding looks like that."""
    try:
        return not line.isascii() and bool(line.decode())
    except UnicodeDecodeError:
        return False


def _likeliest(sample: bytes) -> Encoding:
    from .likely_encoding import likeliest

    found = likeliest(_telling(sample))
    if found is None:
        raise UnreadableFile("The encoding of this text cannot be recognised. Save it as UTF-8, or say its encoding.")
    return Encoding(found.name, sure=found.sure)


def _telling(sample: bytes) -> bytes:
    """Return the lines that tell: outside ASCII, not UTF-8, and whole ones, for half a character would mislead."""
    telling = b"\n".join(line for line in sample.splitlines() if not line.isascii() and not seems_utf8(line))
    if len(telling) <= _SAMPLE_BYTES:
        return telling
    cut = telling[:_SAMPLE_BYTES]
    return cut[: cut.rfind(b"\n")] if b"\n" in cut else cut
