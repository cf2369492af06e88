"""What the engine contract is run on: vectors by id, indexes laid out over segments and tail, damage, a whole life."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from search.datatypes import Ids, IndexState, SegmentFile, Vectors
from search.engines.base import Engine, IndexReader, Neighbours, VectorChanges, VectorSource
from search.engines.exact_engine import ExactReader

DIMENSION = 16
TOLERANCE = 1e-5
NO_IDS = np.empty(0, np.int64)
NO_VECTORS = np.empty((0, DIMENSION), np.float32)


def vectors_of(ids: Ids | Sequence[int]) -> Vectors:
    """Return a vector of norm 1 for each id: always the same one for the same id, no two alike."""
    rows = [np.random.default_rng(int(i) + 1).standard_normal(DIMENSION) for i in ids]
    if not rows:
        return NO_VECTORS.copy()
    result = np.asarray(rows, dtype=np.float32)
    result /= np.linalg.norm(result, axis=1, keepdims=True)
    return result


def ids_of(*values: int) -> Ids:
    """Return the values as an array of ids."""
    return np.array(values, dtype=np.int64)


def queries(count: int, seed: int = 999) -> Vectors:
    """Return query vectors of norm 1 that are no vector of any id."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def oracle(ids: Ids | Sequence[int]) -> ExactReader:
    """Return the exact reader of these ids' vectors."""
    array = np.array(ids, dtype=np.int64)
    return ExactReader(1, DIMENSION, array, vectors_of(array))


def assert_same(found: list[Neighbours], expected: list[Neighbours]) -> None:
    """Fail unless both have the same ids in the same order, at the same distances."""
    assert [answer.ids.tolist() for answer in found] == [answer.ids.tolist() for answer in expected]
    for answer, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(answer.distances, wanted.distances, atol=TOLERANCE)


def assert_as_near(found: list[Neighbours], expected: list[Neighbours], tolerance: float) -> None:
    """Fail unless each answer has as many neighbours as expected, each as near as the one in its place."""
    assert [len(set(answer.ids.tolist())) for answer in found] == [len(answer.ids) for answer in expected]
    for answer, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(answer.distances, wanted.distances, atol=tolerance)


def assert_true_distances(found: list[Neighbours], asked: Vectors, tolerance: float) -> None:
    """Fail unless each neighbour is as far from its query as its vector is."""
    for answer, query in zip(found, asked, strict=True):
        expected = np.square(vectors_of(answer.ids) - query).sum(axis=1)
        np.testing.assert_allclose(answer.distances, expected, atol=tolerance)


def changes(
    generation: int, *, added: Sequence[int] = (), removed: Sequence[int] = (), vectors: Vectors | None = None
) -> VectorChanges:
    """Return the changes that add and remove these ids."""
    ids = np.array(added, dtype=np.int64)
    given_vectors = vectors_of(ids) if vectors is None else vectors
    return VectorChanges(generation, ids, given_vectors, np.array(sorted(removed), dtype=np.int64))


class Source:
    """The vectors of some ids, as a build reads them: in blocks, each at most as often as it must."""

    def __init__(self, ids: Ids, vectors: Vectors | None = None) -> None:
        self.ids = ids
        self.vectors = vectors_of(ids) if vectors is None else vectors

    def read(self, ids: Ids) -> Vectors:
        if len(self.vectors) != len(self.ids):
            return self.vectors  # a source that answers wrongly
        return self.vectors[np.searchsorted(self.ids, ids)]


def built(engine: Engine, source: VectorSource, dimension: int, folder: Path, **more: Any) -> SegmentFile:
    """Run a build to its end and return its file."""
    steps = engine.build(source, dimension, folder, **more)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            file: SegmentFile = end.value
            return file


class Builder:
    """Lays an index out over segments and tail; without segments everything is in the tail."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder

    def seal(self, ids: Sequence[int]) -> SegmentFile:
        """Build a segment of these ids, to its end."""
        array = np.array(sorted(ids), dtype=np.int64)
        return built(self.engine, Source(array), DIMENSION, self.folder)

    def state(
        self, *, segments: Sequence[Sequence[int]] = (), tail: Sequence[int] = (), dead: Sequence[int] = ()
    ) -> IndexState:
        """Return the state that has these ids in these places."""
        files: tuple[SegmentFile, ...] = ()
        in_tail = list(tail)
        if self.engine.capabilities.segments:
            files = tuple(self.seal(ids) for ids in segments)
        else:
            in_tail += [i for ids in segments for i in ids if i not in set(dead)]
        tail_ids = np.array(in_tail, dtype=np.int64)
        dead_ids = np.array(sorted(dead), dtype=np.int64)
        return IndexState(1, DIMENSION, files, tail_ids, vectors_of(tail_ids), dead_ids)

    def open(self, **places: Any) -> IndexReader:
        """Return a reader of such a state."""
        return self.engine.open(self.state(**places))


def flip(at: float) -> Callable[[Path, Path], None]:
    """Return a damage: one bit turned over, `at` this share of the file."""

    def damage(path: Path, _other: Path) -> None:
        data = bytearray(path.read_bytes())
        data[min(int(at * len(data)), len(data) - 1)] ^= 1 << int(at * 97) % 8
        path.write_bytes(data)

    return damage


def cut(share: float) -> Callable[[Path, Path], None]:
    """Return a damage: only this share of the file is left."""

    def damage(path: Path, _other: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])

    return damage


def _turned_into_a_folder(path: Path, _other: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path, Path], Any]] = {
    **{f"bit flipped at {at:.2f}": flip(at) for at in np.linspace(0, 1, 24)},
    "cut to nothing": cut(0),
    "cut to half": cut(0.5),
    "cut by a hundredth": cut(0.99),
    "a byte longer": lambda path, _other: path.write_bytes(path.read_bytes() + b"\0"),
    "another segment's": lambda path, other: shutil.copyfile(other, path),
    "missing": lambda path, _other: path.unlink(),
    "a folder": _turned_into_a_folder,
}

# What happens to an index, in any order: (what, ids).
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "seal", "merge", "reopen"]),
        st.lists(st.integers(0, 40), max_size=8, unique=True),
    ),
    max_size=12,
)


class Life:
    """An index through its life, beside the set of ids that should be findable.

    Each id of a step stands for a block of ids, so that few steps make segments of many vectors.
    """

    def __init__(self, build: Builder, block: int) -> None:
        self.build = build
        self.block = block
        self.live: set[int] = set()
        self.tail: set[int] = set()
        self.dead: set[int] = set()
        self.segments: list[tuple[SegmentFile, set[int]]] = []
        self.generation = 0
        self.reader: IndexReader = build.open()

    def step(self, what: str, blocks: list[int]) -> None:
        """Do one of the steps below."""
        getattr(self, what)([block * self.block + i for block in blocks for i in range(self.block)])

    def add(self, ids: list[int]) -> None:
        self.tail |= set(ids)
        self.dead |= {i for i in ids if any(i in held for _, held in self.segments)}
        self.live |= set(ids)
        self._change(changes(self.generation + 1, added=ids))

    def remove(self, ids: list[int]) -> None:
        self.tail -= set(ids)
        self.dead |= {i for i in ids if any(i in held for _, held in self.segments)}
        self.live -= set(ids)
        self._change(changes(self.generation + 1, removed=ids))

    def seal(self, _ids: list[int]) -> None:
        if not self.build.engine.capabilities.segments or not self.tail - self.dead:
            return
        sealed = self.tail - self.dead  # a dead id names a row in an older segment
        self.segments.append((self.build.seal(sorted(sealed)), sealed))
        self.tail -= sealed
        self.reopen(_ids)

    def merge(self, _ids: list[int]) -> None:
        if not self.build.engine.capabilities.segments or not self.live:
            return
        self.segments = [(self.build.seal(sorted(self.live)), set(self.live))]
        self.tail, self.dead = set(), set()
        self.reopen(_ids)

    def reopen(self, _ids: list[int]) -> None:
        self.generation += 1
        tail = np.array(sorted(self.tail), dtype=np.int64)
        dead = np.array(sorted(self.dead), dtype=np.int64)
        files = tuple(file for file, _ in self.segments)
        state = IndexState(self.generation, DIMENSION, files, tail, vectors_of(tail), dead)
        self.reader = self.build.engine.open(state, self.reader if self.generation % 2 else None)

    def _change(self, change: VectorChanges) -> None:
        self.generation += 1
        self.reader = self.reader.changed(change)


def spoiled(ids: Ids, spoil: dict[Any, float]) -> Vectors:
    """Return the ids' vectors with one made bad: NaN and infinite numbers put in, others multiplied by."""
    vectors = vectors_of(np.abs(ids))
    for key, value in spoil.items():
        if key == "rows":
            vectors = vectors_of(range(int(value)))
        elif key == "dimension":
            vectors = np.full((len(ids), int(value)), value**-0.5, np.float32)
        elif np.isfinite(value):
            vectors[ids == key] *= value
        else:
            vectors[ids == key, 5] = value
    return vectors
