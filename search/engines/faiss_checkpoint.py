"""Keeps what a build has done so far, so that a build that was killed goes on instead of beginning anew.

A checkpoint is two files beside the segments: the partial index, and a note of what it is, which names it by its
SHA-256 and is renamed into place after it. Whatever is damaged or is of another build is not loaded. Losing a
checkpoint costs time and nothing else.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search.datatypes import Candidate, Ids
from search.failpoints import failpoint
from search.files import move_into_place, scratch_file, sha256_file

from .base import UNFINISHED
from .faiss_layers import write_index
from .faiss_types import Recipe

EVERY_SECONDS = 20.0
_SHARE_OF_TIME = 10
_FOREIGN_SECONDS = 86_400


@dataclass(frozen=True)
class Progress:
    """How far a build is: what it builds, how many rows the index holds, and what it has tried before."""

    recipe: Recipe
    rows: int
    trained_on: int
    seconds: float
    peak_memory_mb: float
    tried: tuple[Candidate, ...]


def build_key(ids: Ids, dimension: int, options: Mapping[str, Any]) -> str:
    """Return what two builds of the same vectors into the same index have in common."""
    recipe = json.dumps([dimension, dict(options)], sort_keys=True)
    return hashlib.sha256(ids.tobytes() + recipe.encode()).hexdigest()[:32]


class Checkpoints:
    """The checkpoint of one build in one folder."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key
        self._saved_at = time.monotonic()
        self._cost_seconds = 0.0

    @property
    def note(self) -> Path:
        """The file that makes a partial index a checkpoint."""
        return self.folder / f"{UNFINISHED}{self.key}.json"

    @property
    def due(self) -> bool:
        """True when so much was built since the last checkpoint that losing it would hurt."""
        return time.monotonic() - self._saved_at >= max(EVERY_SECONDS, self._cost_seconds * _SHARE_OF_TIME)

    def save(self, index: Any, progress: Progress) -> None:
        """Write a checkpoint in the place of the one before. Raises OSError."""
        begun = time.monotonic()
        failpoint("build.checkpoint")
        with scratch_file(self.folder, ".faiss") as scratch, scratch_file(self.folder, ".json") as note:
            write_index(index, scratch)
            sha256 = sha256_file(scratch)
            path = self.folder / f"{UNFINISHED}{self.key}-{sha256}.faiss"
            move_into_place(scratch, path)
            note.write_text(json.dumps({"sha256": sha256, **asdict(progress)}))
            move_into_place(note, self.note)
        self._remove(keep={path, self.note})
        failpoint("build.checkpointed")
        self._saved_at = time.monotonic()
        self._cost_seconds = self._saved_at - begun

    def load(self) -> tuple[Any, Progress] | None:
        """Return the partial index and how far it is, or None; removes a checkpoint that cannot be used."""
        import faiss

        self._remove_foreign()
        try:
            note = json.loads(self.note.read_text())
            path = self.folder / f"{UNFINISHED}{self.key}-{note.pop('sha256')}.faiss"
            if path.stem.rpartition("-")[2] == sha256_file(path):
                return faiss.read_index(str(path)), _progress(note)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            pass  # said below: what cannot be used is removed, and the build begins anew
        self.remove()
        return None

    def remove(self) -> None:
        """Delete this build's checkpoint."""
        self._remove(keep=set())

    def _remove(self, keep: set[Path]) -> None:
        for path in self.folder.glob(f"{UNFINISHED}{self.key}*"):
            if path not in keep:
                path.unlink(missing_ok=True)

    def _remove_foreign(self) -> None:
        """Delete what builds left behind that nobody has gone on with for a day."""
        for path in self.folder.glob(f"{UNFINISHED}*"):
            with contextlib.suppress(OSError):
                if not path.name.startswith(f"{UNFINISHED}{self.key}") and _age_seconds(path) > _FOREIGN_SECONDS:
                    path.unlink()


def _age_seconds(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _progress(note: dict[str, Any]) -> Progress:
    """Return what `asdict` made of a Progress."""
    recipe = note.pop("recipe")
    tried = tuple(Candidate(**{**item, "parameters": _pairs(item["parameters"])}) for item in note.pop("tried"))
    return Progress(
        recipe=Recipe(recipe["factory"], _pairs(recipe["build"]), _pairs(recipe["search"])), tried=tried, **note
    )


def _pairs(items: list[list[Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((name, value) for name, value in items)
