"""What lies in a folder that is mirrored: paths, sizes, times, hashes. Reads no content but to hash it.

Follows no symbolic link below the folder: what it leads to is either in the folder under its own name, or none of ours.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from search.files import sha256_steps
from search.storable import storable

MOST_PATH_CHARS = 480  # an external id holds 500, and two files may once have had the same path
YOUNG_SECONDS = 2.0
"""Times of files are this coarse at worst: a younger file may change again without looking changed."""

SETTLE_SECONDS = 1.0
"""How far apart the two looks are at a file that somebody may be writing."""

_FOLDERS = frozenset({"node_modules", "__pycache__"})
_ENDINGS = ("~", ".swp", ".swo", ".tmp", ".temp", ".part", ".partial", ".crdownload")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file at one look: its path below the folder, its bytes, and what changes when it changes."""

    path: str
    size: int
    stamp: str
    changed_at: float  # seconds since 1970

    def is_old(self, now: float) -> bool:
        """Tell whether its stamp proves that it has not changed since."""
        return self.changed_at + YOUNG_SECONDS < now


@dataclass(frozen=True, slots=True)
class Scan:
    """A folder at one look; `unlisted` are folders of which nothing is known, each with the reason."""

    files: Mapping[str, Seen]
    unlisted: Mapping[str, str]
    unusable: Mapping[
        str, str
    ]  # files that cannot be taken whatever is in them, by their path as far as it can be said


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 by path; `unreadable` with the reason; `busy` were being written."""

    found: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)


def is_wanted(name: str) -> bool:
    """Tell whether a file or folder of this name belongs to the corpus: not hidden, and nobody's scratch file."""
    return not (
        name.startswith((".", "~$"))
        or name.lower().endswith(_ENDINGS)
        or (name.startswith("#") and name.endswith("#"))
        or name in _FOLDERS
    )


def scan(root: Path) -> Scan:
    """Look at every file below `root`, in the order of their paths. A part that cannot be listed is named."""
    files: dict[str, Seen] = {}
    unlisted: dict[str, str] = {}
    unusable: dict[str, str] = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                inside = sorted((entry for entry in entries if is_wanted(entry.name)), key=lambda entry: entry.name)
        except OSError as error:
            unlisted[_sayable(folder) or "."] = _("The folder cannot be listed: %s.") % error.strerror
            continue
        for entry in inside:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    _take(path, entry.stat(follow_symlinks=False), files, unusable)
            except FileNotFoundError:
                continue  # gone since the folder was listed
            except OSError as error:
                unlisted[_sayable(path)] = _("It cannot be looked at: %s.") % error.strerror
    return Scan(dict(sorted(files.items())), unlisted, unusable)


def look(root: Path, path: str) -> Seen | None:
    """Look at one file again; None when it is not there any more, or is something else."""
    try:
        status = (root / path).lstat()
    except OSError:
        return None
    return _seen(path, status) if stat.S_ISREG(status.st_mode) else None


def hashes(root: Path, files: Iterable[Seen], beat: Callable[[], None], now: Callable[[], float] = time.time) -> Hashes:
    """Hash files, and look at them again afterwards. `beat` is called every some 50 milliseconds."""
    result = Hashes()
    young: list[Seen] = []
    for seen in files:
        beat()
        if not seen.is_old(now()):
            young.append(seen)
        try:
            result.found[seen.path] = _sha256(root / seen.path, beat)
        except OSError as error:
            if look(root, seen.path) is not None:
                result.unreadable[seen.path] = _("It cannot be read: %s.") % error.strerror
            else:
                result.busy.add(seen.path)
            continue
        if look(root, seen.path) != seen:
            result.busy.add(seen.path)
    if any(seen.path in result.found for seen in young):
        time.sleep(SETTLE_SECONDS)
    result.busy.update(seen.path for seen in young if seen.path in result.found and look(root, seen.path) != seen)
    for path in result.busy:
        result.found.pop(path, None)
    return result


def _take(path: str, status: os.stat_result, files: dict[str, Seen], unusable: dict[str, str]) -> None:
    if storable(path) != path:
        unusable[_sayable(path)] = _("Its name is not valid UTF-8. Rename it.")
    elif len(path) > MOST_PATH_CHARS:
        unusable[path[:MOST_PATH_CHARS]] = _("Its path has %(chars)d characters; at most %(most)d fit. Shorten it.") % {
            "chars": len(path), "most": MOST_PATH_CHARS
        }  # fmt: skip
    else:
        files[path] = _seen(path, status)


def _seen(path: str, status: os.stat_result) -> Seen:
    stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    return Seen(path, status.st_size, stamp, max(status.st_mtime, status.st_ctime))


def _sha256(path: Path, beat: Callable[[], None]) -> str:
    steps = sha256_steps(path)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return str(finished.value)
        beat()


def _sayable(path: str) -> str:
    return storable(path)[:MOST_PATH_CHARS]
