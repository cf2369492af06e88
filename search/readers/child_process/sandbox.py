"""Reads files that nobody trusts in child processes with limits, so that the worst file costs only itself.

Whatever a file does to its parser (loops, bombs, crashes, lies) comes out as UnreadableFile with a reason. The bytes
of a file are parsed nowhere else than in a child.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from search.files import open_without_links
from search.readers.archives.unpacked_files import Unpacked, unpacked
from search.readers.base import FileNotes, Limits, Record, UnreadableFile
from search.readers.readers import READERS

from .child import Assignment
from .frames import NOTES, Frame, Opened, notes_of, opened_of, records_of
from .reader_process import ReaderProcess, ReadersUnavailable, Zygote, ZygoteLost

_NAME_CHARS = 4_000
_MOST_LOSSES = 2  # of zygotes, while one file is read
_MOST_STARTS = 2 + 2 * _MOST_LOSSES  # one, one for a parser that was not imported yet, and as many for each loss


@dataclass(frozen=True, slots=True)
class Reading:
    """A file being read. Closing `records` ends the child; it raises UnreadableFile where reading goes no further."""

    format: str
    tabular: bool
    records: Generator[Record, None, None]
    session: "_Session"

    @property
    def notes(self) -> FileNotes:
        """What the records so far have shown of the file."""
        return self.session.notes


class Sandbox:
    """Reads and unpacks files, in as many threads as like; keeps one process warm in which the parsers are imported.

    `readers` says which class stands behind each format. Raises ReadersUnavailable where no child can be started at
    all, which is no fault of the file.
    """

    def __init__(self, limits: Limits, *, readers: Mapping[str, str] = READERS) -> None:
        self.limits = limits
        self.readers = readers
        self.peak_bytes = 0  # the most memory that any child has taken so far
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all its processes. Reading again starts new ones."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def read(
        self,
        path: Path,
        name: str,
        *,
        skip: int = 0,
        format: str = "",  # noqa: A002 - the word
        encoding: str = "",
    ) -> Reading:
        """Open a file and return its records from number `skip` on; without a format it is recognised.

        `encoding` is that of texts that do not declare theirs. Raises UnreadableFile.
        """
        session = _Session(self, path, Assignment(name[:_NAME_CHARS], format, skip, unpack=False, encoding=encoding))
        try:
            opened = session.open()
        except BaseException:
            session.close()
            raise
        return Reading(opened.format, opened.tabular, _records(session, skip), session)

    def unpack(self, path: Path, name: str, into: Path) -> Generator[Unpacked, None, None]:
        """Write an archive's files to `into` as 000001, 000002, …, and yield each.

        Raises UnreadableFile where the archive as a whole is refused; what was written of it is removed then.
        """
        with contextlib.closing(_Session(self, path, Assignment(name[:_NAME_CHARS], "", 0, unpack=True))) as session:
            session.open()
            yield from unpacked(session.frames(), into, self.limits)

    def zygote(self) -> Zygote:
        """Return the running zygote; start one where there is none. For this module only."""
        with self._lock:
            if self._zygote is None:
                self._zygote = Zygote(self.limits, self.readers)
            return self._zygote

    def forget(self, lost: Zygote) -> str:
        """Let go of a zygote that has ended, and return what it said last. For this module only."""
        with self._lock:
            if self._zygote is lost:
                self._zygote = None
        return lost.close()


def _records(session: "_Session", skip: int) -> Generator[Record, None, None]:
    """Yield the records; where the zygote is killed meanwhile, another one reads past what was given already."""
    given = 0
    with contextlib.closing(session):
        while True:
            try:
                for frame in session.frames():
                    if frame.kind == NOTES:
                        session.notes = notes_of(frame)
                        continue
                    for record in records_of(frame):
                        given += 1
                        yield record
            except ZygoteLost:
                session.reopen(skip + given)
            else:
                return


class _Session:
    """One file and the child that reads it; where it must be, one child after the other.

    Each child gets a file opened for it: a position in the file is shared with all who hold the same opening.
    """

    def __init__(self, sandbox: Sandbox, path: Path, assignment: Assignment) -> None:
        self._sandbox = sandbox
        self._path = path
        self._assignment = assignment
        self._zygote: Zygote | None = None
        self._child: ReaderProcess | None = None
        self._frames: Iterator[Frame] = iter(())
        self._losses = 0
        self.notes = FileNotes()

    def open(self) -> Opened:
        """Start a child and return what it takes the file for. Raises UnreadableFile, ReadersUnavailable."""
        for _ in range(_MOST_STARTS):
            try:
                self._start()
                opened = opened_of(next(self._frames, None))
            except ZygoteLost:
                self._lost()
                continue
            if not opened.cold:
                return opened
            self._assignment = replace(self._assignment, format=opened.format)
        raise UnreadableFile("It is not clear what it is. It is perhaps made to do harm.")

    def reopen(self, skip: int) -> None:
        """Go on with another child, past so many records, after the zygote was lost."""
        self._lost()
        self._assignment = replace(self._assignment, skip=skip)
        self.open()

    def frames(self) -> Iterator[Frame]:
        """Return what the child sends from here on. Iterating raises UnreadableFile, ZygoteLost."""
        return self._frames

    def close(self) -> None:
        """End the child."""
        self._end_child()

    def _start(self) -> None:
        self._end_child()
        limits = self._sandbox.limits
        file = _open(self._path, limits)
        try:
            self._zygote = self._sandbox.zygote()
            self._child = self._zygote.start(file, asdict(self._assignment), limits.wall_seconds)
        finally:
            os.close(file)
        self._frames = self._child.answers()

    def _lost(self) -> None:
        self._end_child()
        why = self._sandbox.forget(self._zygote) if self._zygote else ""
        self._losses += 1
        if self._losses > _MOST_LOSSES:
            raise ReadersUnavailable(f"The process that reads files does not run: {why}")

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._sandbox.peak_bytes = max(self._sandbox.peak_bytes, self._child.peak_bytes)
            self._child = None


def _open(path: Path, limits: Limits) -> int:
    """Open a file for a child. Raises UnreadableFile."""
    try:
        file = open_without_links(path.absolute())
    except OSError as error:
        raise UnreadableFile(f"It cannot be opened: {error.strerror}.") from error
    found = os.fstat(file)
    problem = ""
    if not stat.S_ISREG(found.st_mode):
        problem = "It is a folder, a device or a pipe, not a file."
    elif not found.st_size:
        problem = "It is empty: it has 0 bytes."
    elif found.st_size > limits.file_bytes:
        problem = f"It has {found.st_size:,} bytes; one file may have {limits.file_bytes:,}. Split it."
    if problem:
        os.close(file)
        raise UnreadableFile(problem)
    return file
