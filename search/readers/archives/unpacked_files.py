"""Writes what a child unpacks to files with numbers for names, and counts again what the child should have counted."""

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.readers.base import Limits, UnreadableFile
from search.readers.child_process.frames import DATA, ENTRY, BrokenProtocol, Frame
from search.readers.child_process.reader_process import ZygoteLost

_NAME_CHARS = 400
_REASON_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An entry of an archive: unpacked to `path`, or `error` says why not. `name` is a label, never a path."""

    name: str
    path: Path | None
    size: int
    error: str


def unpacked(frames: Iterator[Frame], into: Path, limits: Limits) -> Generator[Unpacked, None, None]:
    """Yield the entries that the frames tell of, written to `into`. Raises UnreadableFile, OSError."""
    written = _WrittenFiles(into, limits)
    try:
        for frame in frames:
            if frame.kind == DATA:
                written.append(frame.raw)
            elif frame.kind == ENTRY:
                yield written.finish(frame.value)
            else:
                raise BrokenProtocol("a frame of another kind among entries")
    except UnreadableFile:
        written.remove()
        raise
    except ZygoteLost as error:
        written.remove()
        raise UnreadableFile("Unpacking it was interrupted from outside. Import it again.") from error
    finally:
        written.drop_current()


class _WrittenFiles:
    """The files of one archive, the last one perhaps not finished."""

    def __init__(self, into: Path, limits: Limits) -> None:
        self._into, self._limits = into, limits
        self._file = -1
        self._entries = self._count = self._size = self._bytes = 0

    def append(self, data: bytes) -> None:
        """Write to the current file, a new one if there is none."""
        self._bytes += len(data)
        self._size += len(data)
        if self._bytes > self._limits.unpacked_bytes or self._size > self._limits.file_bytes + len(data):
            raise BrokenProtocol("more bytes than the child may send")
        self._open()
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def finish(self, told: Any) -> Unpacked:
        """End the current entry; one with an error leaves no file."""
        name, error = _name_and_error(told)
        self._entries += 1
        if self._entries > self._limits.entries:
            raise BrokenProtocol("more entries than the child may send")
        if error:
            self.drop_current()
            return Unpacked(name, None, 0, error)
        self._open()
        os.close(self._file)
        self._file, size = -1, self._size
        self._size = 0
        return Unpacked(name, self._path(self._count), size, "")

    def drop_current(self) -> None:
        """Remove the file that is being written, if there is one."""
        self._size = 0
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._path(self._count).unlink(missing_ok=True)
            self._count -= 1

    def remove(self) -> None:
        """Remove everything that was written."""
        self.drop_current()
        for number in range(1, self._count + 1):
            self._path(number).unlink(missing_ok=True)

    def _open(self) -> None:
        if self._file < 0:
            self._count += 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self._path(self._count), flags, 0o644)

    def _path(self, number: int) -> Path:
        return self._into / f"{number:06d}"


def _name_and_error(told: Any) -> tuple[str, str]:
    name = told.get("name") if isinstance(told, dict) else None
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(name, str) or not isinstance(error, str):
        raise BrokenProtocol("an entry without a name")
    return name[:_NAME_CHARS], error[:_REASON_CHARS]
