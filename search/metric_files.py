"""The files that processes count in: each has its own, and what processes that ended had counted is kept in one more.

Prometheus' client maps them into memory. Their room is taken on the disk beforehand, because writing into a mapped file
on a full disk ends the process; a process that gets no room counts nothing and goes on. Knows no metric by name.
"""

import contextlib
import fcntl
import json
import logging
import os
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

_KINDS = ("counter", "histogram")
_FILE_BYTES = 1 << 20
_PAST = "past"
_UNREADABLE = (RuntimeError, ValueError, struct.error)

logger = logging.getLogger(__name__)


class ProcessFiles:
    """Names this process's files in `folder`; calling it gives a name that no other process has, a fork's neither."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = 0
        self._name = ""
        self._mark = -1

    def __call__(self) -> str:
        """Return the name for the files of this process, made at the first call. Raises OSError."""
        if os.getpid() != self._pid:
            self._begin()
        return self._name

    def _begin(self) -> None:
        if self._mark >= 0:
            os.close(self._mark)  # the mark of the process that this one was forked from stays that one's
            self._mark = -1
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        with _locked(self.folder, fcntl.LOCK_EX):
            _fold_ended(self.folder)
            for kind in _KINDS:
                _take_room(_file(self.folder, kind, name))
            self._mark = os.open(self.folder / f"{name}.alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._mark, fcntl.LOCK_EX)  # held until the process ends, however it ends
        self._name, self._pid = name, os.getpid()


def collected(folder: Path) -> list[Any]:
    """Return what all processes have counted, as Prometheus' metric families; nothing where nobody has."""
    if not folder.is_dir():
        return []
    with _locked(folder, fcntl.LOCK_SH):
        files = [str(path) for path in sorted(folder.glob("*.db")) if path.stat().st_size]
        return list(MultiProcessCollector.merge(files))


def _fold_ended(folder: Path) -> None:
    """Add what ended processes counted to what is past, and remove their files: sums never fall, files do not pile up.

    A file without a mark is what a process left that was killed in its first moments.
    """
    ended = {path.stem.partition("_")[2] for path in folder.glob("*.db")} - {_PAST}
    ended |= {path.stem for path in folder.glob("*.alive")}
    for name in sorted(ended):
        mark = folder / f"{name}.alive"
        if _is_held(mark):
            continue
        for kind in _KINDS:
            _fold(_file(folder, kind, name), _file(folder, kind, _PAST))
        mark.unlink(missing_ok=True)


def _fold(ended: Path, past: Path) -> None:
    try:
        counted = _counted(ended)
    except _UNREADABLE as error:
        logger.warning("%s cannot be read and is left out of the metrics: %s", ended, error)
        counted = []
    if counted:
        _take_room(past)
        sums = MmapedDict(str(past))
        for key, value in counted:
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
        sums.close()
    ended.unlink(missing_ok=True)


def _counted(path: Path) -> list[tuple[str, float]]:
    if not path.exists() or not path.stat().st_size:
        return []
    counted = [(key, value) for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path))]
    for key, _ in counted:
        json.loads(key)
    return counted


def _is_held(mark: Path) -> bool:
    try:
        handle = os.open(mark, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _take_room(path: Path) -> None:
    """Make the file with all its room on the disk, unless it is there. Raises OSError."""
    with path.open("ab") as handle:
        if os.fstat(handle.fileno()).st_size:
            return
        try:
            _allocate(handle.fileno())
        except OSError:
            path.unlink()
            raise


def _allocate(handle: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, _FILE_BYTES)
    else:  # macOS
        os.write(handle, bytes(_FILE_BYTES))


def _file(folder: Path, kind: str, name: str) -> Path:
    return folder / f"{kind}_{name}.db"


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
