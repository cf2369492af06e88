"""Vectors made for tests of measuring: a source that counts nothing, and crowds of near-duplicates."""

from collections.abc import Generator
from typing import TypeVar

import numpy as np

from search.datatypes import BuildStep, Ids, Vectors

Result = TypeVar("Result")


class ArraySource:
    """Vectors of an array, under ids that are not row numbers."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self.ids: Ids = np.arange(len(vectors), dtype=np.int64) * 3 + 7

    def read(self, ids: Ids) -> Vectors:
        """Return the vectors of these ids."""
        result: Vectors = self.vectors[(ids - 7) // 3]
        return result


def crowds(count: int, size: int, dimension: int, spread: float, seed: int = 1) -> Vectors:
    """Return `count` crowds of `size` vectors each; the vectors of a crowd differ by noise of `spread`."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((count, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    rows = np.repeat(centres, size, axis=0)
    rows = rows + spread * random.standard_normal(rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def finish(steps: Generator[BuildStep, None, Result]) -> Result:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
