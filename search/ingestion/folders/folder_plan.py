"""What a look at a mirrored folder means: which files are unchanged, to be read, moved or gone. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

MOST_GONE_SHARE = 0.5
FEW_FILES = 10


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was when it was last imported; `complete`: with these settings, and its documents are all there."""

    path: str
    sha256: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A file that is somewhere else now."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about every file, each list in the order of the paths. Moved ones may have to be read as well."""

    unchanged: tuple[str, ...]
    read: tuple[str, ...]
    moved: tuple[Move, ...]
    gone: tuple[str, ...]


def plan(known: Mapping[str, Known], hashes: Mapping[str, str], present: Collection[str]) -> Plan:
    """Compare what is known with what was found.

    `hashes` are those of the files that can be imported now; `present` are all paths at which there is a file,
    so that one which cannot be read, or is just being written, is not taken for a deleted one.
    """
    lost = [path for path in known if path not in present]
    moved = _moves(known, lost, {path: sha256 for path, sha256 in hashes.items() if path not in known})
    before = {move.new: move.old for move in moved}
    unchanged: list[str] = []
    read: list[str] = []
    for path in sorted(hashes):
        old = known.get(before.get(path, path))
        if old is None or not old.complete or old.sha256 != hashes[path] or suffix(old.path) != suffix(path):
            read.append(path)
        elif path not in before:
            unchanged.append(path)
    gone = sorted(set(lost) - set(before.values()))
    return Plan(tuple(unchanged), tuple(read), moved, tuple(gone))


def is_suspicious(known: int, gone: int) -> bool:
    """Tell whether so many files are gone that a mistake is more likely than somebody's will."""
    return known > FEW_FILES and gone > known * MOST_GONE_SHARE


def free_label(path: str, taken: Collection[str]) -> str:
    """Return what a new file's documents are named by: its path, unless a file that has moved away is named so."""
    number, label = 1, path
    while label in taken:
        number += 1
        label = f"{path} ({number})"
    return label


def _moves(known: Mapping[str, Known], lost: Collection[str], new: Mapping[str, str]) -> tuple[Move, ...]:
    """Pair lost files with new ones of the same content, those of the same name first."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(new):
        homes[new[path]].append(path)
    moves: list[Move] = []
    for same_name in (True, False):
        paired = {move.old for move in moves}
        for old in sorted(set(lost) - paired):
            candidates = homes.get(known[old].sha256, [])
            name = PurePosixPath(old).name
            fitting = [path for path in candidates if not same_name or PurePosixPath(path).name == name]
            if fitting:
                candidates.remove(fitting[0])
                moves.append(Move(old, fitting[0]))
    return tuple(sorted(moves, key=lambda move: move.old))


def suffix(path: str) -> str:
    """Return what decides with the content which reader reads a file."""
    return PurePosixPath(path).suffix.lower()
