"""What the reading process does with one file: recognise it, read it, send what is in it, and end.

It holds two descriptors, the file's and the pipe's, and no way to anything else (`isolation.py`). Every end that it
can still tell of is told in words; of the others the parent makes its own.
"""

import gc
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from search.readers.archives.archives import BadEntry, entries
from search.readers.base import FileNotes, Limits, NoDocument, Notes, Record, UnreadableFile
from search.readers.readers import reader_for
from search.readers.sniffing import HEAD_BYTES, sniff

from . import frames, isolation

ARCHIVES = ("zip", "tar")
_BATCH_RECORDS = 256
_BATCH_BYTES = 256 << 10
_BATCH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Assignment:
    """One file to be read, or to be unpacked."""

    name: str
    format: str
    skip: int
    unpack: bool
    encoding: str = ""  # of texts that do not declare theirs; "" to find it out


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process that was forked from has prepared."""

    limits: Limits
    readers: dict[str, str]
    warm: frozenset[str]  # formats whose parsers are imported
    readable: list[Path]
    used_bytes: int  # address space before anything is read


def serve(file_fd: int, out_fd: int, assignment: Assignment, around: Surroundings) -> None:
    """Read the file, send its records or entries, and how it ended."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        allowance = isolation.confine(around.limits, around.used_bytes, around.readable)
        with os.fdopen(file_fd, "rb", closefd=False) as file:
            _Reading(file, out_fd, assignment, around, allowance).run()
        ending: tuple[bytes, str | dict[str, str]] = (frames.DONE, "")
    except BrokenPipeError:
        return  # nobody wants to know any more
    except NoDocument as error:
        ending = (frames.FAILED, {"reason": str(error), "kind": error.kind})
    except UnreadableFile as error:
        ending = (frames.FAILED, str(error))
    except MemoryError:
        isolation.allow_a_last_word()
        ending = (frames.FAILED, _too_much_memory(around.limits))
    except RecursionError:
        ending = (frames.FAILED, "Its parts are nested too deeply to be read.")
    except isolation.Refused as error:
        ending = (frames.FAILED, f"Reading it was stopped: {error}. It is perhaps made to do harm.")
    except Exception as error:
        gc.collect()
        ending = (frames.FAILED, f"It cannot be read: {_words(error)}. It is perhaps damaged.")
    frames.send(out_fd, *ending)


class _Reading:
    """One file on its way."""

    def __init__(
        self, file: BinaryIO, out: int, assignment: Assignment, around: Surroundings, cpu: isolation.CpuAllowance
    ) -> None:
        self.file, self.out, self.assignment, self.around, self.cpu = file, out, assignment, around, cpu

    def run(self) -> None:
        name = self.assignment.format or self._sniffed()
        if self.assignment.unpack:
            self._unpack(name)
        elif name in ARCHIVES:
            raise UnreadableFile("It is an archive. Unpack it, and import the files in it.")
        elif name not in self.around.warm and not self.assignment.format:
            self._open(name, tabular=False, cold=True)
        else:
            self._read(name)

    def _sniffed(self) -> str:
        head = self.file.read(HEAD_BYTES)
        self.file.seek(0)
        return sniff(self.assignment.name, head)

    def _open(self, name: str, *, tabular: bool, cold: bool = False) -> None:
        frames.send(self.out, frames.OPENED, {"format": name, "tabular": tabular, "cold": cold})

    def _read(self, name: str) -> None:
        reader = reader_for(name, self.around.limits, self.around.readers, encoding=self.assignment.encoding)
        self._open(name, tabular=reader.tabular)
        renew = self.cpu.renew if reader.tabular else _nothing
        batch = _Batch(self.out, renew, reader.notes)
        for record in reader.read(self.file, PurePosixPath(self.assignment.name)):
            batch.add(record, passed_over=batch.count < self.assignment.skip)
        batch.flush()

    def _unpack(self, name: str) -> None:
        if name not in ARCHIVES:
            raise UnreadableFile(f"It is no archive, but a file of the format {name}.")
        self._open(name, tabular=False)
        for entry in entries(self.file, name, self.around.limits):
            size, error = 0, entry.error
            try:
                for chunk in entry.chunks:
                    frames.send(self.out, frames.DATA, None, [chunk])
                    size += len(chunk)
                    self.cpu.renew()
            except BadEntry as problem:
                error = str(problem)
            frames.send(self.out, frames.ENTRY, {"name": entry.name, "size": size, "error": error})
            self.cpu.renew()


class _Batch:
    """Records on their way: some hundred in a frame, fewer where they are long or slow to come."""

    def __init__(self, out: int, renew: Callable[[], None], notes: Notes) -> None:
        self.out, self.renew, self.notes = out, renew, notes
        self.told = FileNotes()
        self.count = self.passed_over = self.bytes = 0
        self.records: list[frames.EncodedRecord] = []
        self.since = time.monotonic()

    def add(self, record: Record, *, passed_over: bool) -> None:
        self.count += 1
        if passed_over:
            self.passed_over += 1
        else:
            encoded = frames.encode(record)
            if self.bytes + encoded.size > _BATCH_BYTES:
                self.flush()
            self.records.append(encoded)
            self.bytes += encoded.size
        if len(self.records) >= _BATCH_RECORDS or time.monotonic() - self.since > _BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if (notes := self.notes.told()) != self.told:
            frames.send(self.out, frames.NOTES, [notes.encoding, notes.warnings])
            self.told = notes
        frames.send_records(self.out, self.records, self.passed_over)
        self.records, self.bytes = [], 0
        self.renew()
        self.since = time.monotonic()


def _nothing() -> None:
    pass


def _too_much_memory(limits: Limits) -> str:
    return (
        f"It needs more than {limits.memory_bytes >> 20:,} MB of memory to be read. Split it, or save it in a plainer "
        "format."
    )


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())[:200].rstrip(". ")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
