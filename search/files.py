"""Files that are complete or absent: written beside their place, flushed, then renamed into it.

Knows nothing of indexes or of Django. A file written here is never opened for writing again.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

_BLOCK_BYTES = 1 << 20
_STEP_BLOCKS = 32


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, reading it through once. Raises OSError."""
    steps = sha256_steps(path)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return str(finished.value)


def sha256_steps(path: Path) -> Generator[None, None, str]:
    """Return the hexadecimal SHA-256 of a file, in steps of some 50 milliseconds. Raises OSError."""
    digest = hashlib.sha256()
    blocks = 0
    with path.open("rb", buffering=0) as handle:
        while block := handle.read(_BLOCK_BYTES):
            digest.update(block)
            blocks += 1
            if blocks % _STEP_BLOCKS == 0:
                yield
    return digest.hexdigest()


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the files below a folder take on disk, each counted once however often it is linked."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process may be clearing up
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def open_without_links(path: Path) -> int:
    """Open a file for reading and return its descriptor; `path` is absolute, and no part of it may be a symbolic link.

    For files that somebody else may replace by a link while they are on their way to a reader. Raises OSError.
    """
    walk = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(path.anchor, walk)
    try:
        for part in path.parts[1:-1]:
            inner = os.open(part, walk, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)


def fsync_path(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def scratch_file(folder: Path, suffix: str) -> Iterator[Path]:
    """Give a temporary path inside `folder`; whatever is still there at the end is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".writing-", suffix=suffix)
    os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def move_into_place(scratch: Path, target: Path) -> None:
    """Make a finished scratch file durable under its final name, replacing a file of that name."""
    fsync_path(scratch)
    scratch.chmod(0o644)
    scratch.replace(target)
    fsync_path(target.parent)
