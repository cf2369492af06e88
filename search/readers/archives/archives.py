"""ZIP and TAR archives as streams of entries, within bounds that count the bytes that really come out.

What headers say is believed only where it leads to a refusal. An entry that cannot be taken fails alone; what the
archive as a whole must not be (too many entries, too many bytes, entries over each other) refuses all of it. An
archive in an archive is an entry like others.
"""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO, BinaryIO, Protocol, cast

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.whole_document import words_of

from .archive_names import is_junk, label, tar_name, zip_name

_CHUNK = 1 << 20
_RATIO_COUNTS_FROM = 10 << 20  # bytes unpacked; smaller files may be as compressible as they like
_LOCAL_HEADER = 30
_MOST_ENDS = 8
_ENCRYPTED = 0x1
_UTF8 = 0x800
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError,
    NotImplementedError, OverflowError, IndexError, KeyError, TypeError, AttributeError,
)  # fmt: skip


class BadEntry(ValueError):
    """One entry cannot be taken; the message tells a curator why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive. `chunks` must be used up before the next entry is asked for; it may raise BadEntry."""

    name: str
    error: str = ""
    chunks: Iterator[bytes] = field(default_factory=lambda: iter(()))


def entries(file: BinaryIO, format_name: str, limits: Limits) -> Iterator[Entry]:
    """Yield the files of an archive of format "zip" or "tar" (compressed or not). Raises UnreadableFile."""
    packed = file.seek(0, io.SEEK_END)
    file.seek(0)
    tally = _Tally(limits, packed)
    found = _zip_entries(file, tally) if format_name == "zip" else _tar_entries(file, tally)
    for entry in found:
        if not is_junk(entry.name):
            yield entry
    if not tally.entries:
        raise UnreadableFile("There is nothing in this archive.")


class _Tally:
    """What has come out of an archive so far."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.packed = packed
        self.entries = 0
        self.unpacked = 0
        self.refused = 0  # of these, what was of entries that failed; it says nothing of the others

    def count_entry(self) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            raise UnreadableFile(
                f"This archive has more than {self.limits.entries:,} entries. Split it into several archives."
            )

    def count_bytes(self, size: int) -> None:
        self.unpacked += size
        if self.unpacked > self.limits.unpacked_bytes:
            raise UnreadableFile(
                f"This archive unpacks to more than {self.limits.unpacked_bytes:,} bytes. "
                "Split it into several archives."
            )
        refuse_bomb(self.unpacked - self.refused, self.packed, self.limits.ratio, "This archive", UnreadableFile)


def refuse_bomb(unpacked: int, packed: int, ratio: int, what: str, error: type[ValueError]) -> None:
    """Raise `error` where so many bytes came out of so few."""
    if unpacked > _RATIO_COUNTS_FROM and unpacked > ratio * max(1, packed):
        raise error(f"{what} unpacks to more than {ratio:,} times its size, as only files made to do harm do.")


# ZIP


def _zip_entries(file: BinaryIO, tally: _Tally) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise _damaged(error) from error
    with archive:
        infos = archive.infolist()
        if len(infos) > tally.limits.entries:
            tally.entries = len(infos)
            tally.count_entry()
        _refuse_overlaps(infos, archive.start_dir)
        for info in infos:
            tally.count_entry()
            if not info.is_dir():
                name, problem = label(zip_name(info.filename, bool(info.flag_bits & _UTF8)))
                problem = problem or _zip_problem(info, tally.limits)
                yield Entry(name, problem) if problem else Entry(name, chunks=_zip_chunks(archive, info, tally))


def _zip_problem(info: zipfile.ZipInfo, limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "It is a symbolic link, not a file. Pack the file that it points to."
    if kind not in (0, stat.S_IFREG):
        return "It is a device or a pipe, not a file."
    if info.flag_bits & _ENCRYPTED:
        return "It is protected with a password. Pack it without one."
    if info.file_size > limits.file_bytes:
        return f"It says that it unpacks to {info.file_size:,} bytes; one file may have {limits.file_bytes:,}."
    return ""


def _refuse_overlaps(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Entries that share their bytes are how a small file unpacks to a huge one past every ratio of one entry."""
    places = [*sorted((info.header_offset, info.compress_size) for info in infos), (end, 0)]
    for (start, size), (following, _) in pairwise(places):
        if start + _LOCAL_HEADER + size > following:
            raise UnreadableFile(
                "Entries of this archive lie over each other, as only in files made to do harm. Pack it anew."
            )


def _zip_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, tally: _Tally) -> Iterator[bytes]:
    size = taken = 0
    try:
        with archive.open(info) as source:
            for chunk in _chunks(source, tally.limits):
                size += len(chunk)
                refuse_bomb(size, info.compress_size, tally.limits.ratio, "It", BadEntry)
                tally.count_bytes(len(chunk))
                taken += len(chunk)
                yield chunk
    except UnreadableFile:
        raise
    except BadEntry:
        tally.refused += taken
        raise
    except _DAMAGE as error:
        tally.refused += taken
        raise BadEntry(f"It is damaged in the archive: {words_of(error)}. Pack it anew.") from error
    if size != info.file_size:
        raise BadEntry(f"It says that it has {info.file_size:,} bytes, but it has {size:,}. Pack it anew.")


def _chunks(source: IO[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield what a file of an archive has, up to what one file may have."""
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limits.file_bytes:
            raise BadEntry(f"It unpacks to more than {limits.file_bytes:,} bytes, which is the most for one file.")
        yield chunk


# TAR


def _tar_entries(file: BinaryIO, tally: _Tally) -> Iterator[Entry]:
    stream = cast(IO[bytes], _Counted(_decompressed(file), tally))
    try:
        with tarfile.open(
            fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape", tarinfo=_Member
        ) as archive:
            for member in archive:
                tally.count_entry()
                archive.members.clear()  # type: ignore[attr-defined]  # else it keeps them all
                if not member.isdir():
                    name, problem = label(tar_name(member.name))
                    problem = problem or _tar_problem(member, tally.limits)
                    yield Entry(name, problem) if problem else Entry(name, chunks=_tar_chunks(archive, member, tally))
    except (UnreadableFile, BadEntry):
        raise
    except _DAMAGE as error:
        raise _damaged(error) from error


class _Member(tarfile.TarInfo):
    """An entry's header; a broken one behind a sound one is an error, where tarfile takes it for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_Member":
        try:
            return super().fromtarfile(archive)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from error


def _tar_problem(member: tarfile.TarInfo, limits: Limits) -> str:
    if member.issym() or member.islnk():
        return f"It is a {'symbolic' if member.issym() else 'hard'} link, not a file. Pack the file that it points to."
    if not member.isreg():
        return "It is a device or a pipe, not a file."
    if member.issparse():
        return "It is a sparse file, with holes. Pack it without --sparse."
    if member.size > limits.file_bytes:
        return f"It says that it unpacks to {member.size:,} bytes; one file may have {limits.file_bytes:,}."
    return ""


def _tar_chunks(archive: tarfile.TarFile, member: tarfile.TarInfo, tally: _Tally) -> Iterator[bytes]:
    try:
        source = archive.extractfile(member)
        if source is None:
            raise BadEntry("It is no file.")
        with source:
            yield from _chunks(source, tally.limits)
    except (UnreadableFile, BadEntry):
        raise
    except _DAMAGE as error:  # a stream cannot go on behind it
        raise _damaged(error) from error


def _decompressed(file: BinaryIO) -> "_Readable":
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(file)
    return file


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Counted:
    """Counts what comes out of a compressed stream, of entries that are passed over too.

    Ends the search for what a header promises, but is not there: tarfile would ask block by block for 10 TB.
    """

    def __init__(self, stream: _Readable, tally: _Tally) -> None:
        self._stream = stream
        self._tally = tally
        self._ends = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._tally.count_bytes(len(data))
        self._ends += not data
        if self._ends > _MOST_ENDS:
            raise tarfile.ReadError("it ends in the middle of an entry")
        return data


def _damaged(error: Exception) -> UnreadableFile:
    return UnreadableFile(f"This archive is damaged: {words_of(error)}. It is perhaps not whole; import it again.")
