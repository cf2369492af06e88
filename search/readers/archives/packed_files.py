"""The parts of a file that is a ZIP archive inside, such as DOCX and EPUB, read within bounds.

Names in the archive are keys only, never paths. What a header says of a size is believed only as far as it is
checked while unpacking: Python's zipfile never gives more bytes than the header announces.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.whole_document import words_of

_RATIO_COUNTS_FROM = 10 << 20  # bytes unpacked; smaller files may be as compressible as they like
_ENCRYPTED = 0x1
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@contextmanager
def packed_file(file: BinaryIO, kind: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open a packed file whose parts are together within the limits, or raise UnreadableFile."""
    head = file.read(len(_OLD_OFFICE))
    file.seek(0)
    if head == _OLD_OFFICE:
        raise UnreadableFile(
            f"This {kind} is protected with a password or has the format of an old Office version. "
            "Save it anew without a password."
        )
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise UnreadableFile(
            f"This {kind} is damaged: {words_of(error)}. It is perhaps not whole; import it again."
        ) from error
    with archive:
        _check(archive, kind, limits)
        yield archive


def _check(archive: zipfile.ZipFile, kind: str, limits: Limits) -> None:
    entries = archive.infolist()
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    most = min(limits.unpacked_bytes, limits.memory_bytes // 2)
    if len(entries) > limits.entries:
        raise UnreadableFile(f"This {kind} has {len(entries):,} parts; one file may have {limits.entries:,}.")
    if unpacked > most:
        raise UnreadableFile(f"This {kind} unpacks to {unpacked:,} bytes; one file may unpack to {most:,}.")
    if unpacked > _RATIO_COUNTS_FROM and unpacked > limits.ratio * max(1, packed):
        raise UnreadableFile(
            f"This {kind} unpacks to {unpacked // max(1, packed):,} times its size, as only files made to do harm do; "
            f"the limit is {limits.ratio} times."
        )
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnreadableFile(f"This {kind} is protected with a password. Save it without one and import it again.")


def part(archive: zipfile.ZipFile, name: str, kind: str) -> bytes:
    """Return the bytes of one part, or raise UnreadableFile."""
    try:
        return archive.read(name)
    except KeyError:
        raise UnreadableFile(f"This {kind} is damaged: its part {name[:100]!r} is missing.") from None
