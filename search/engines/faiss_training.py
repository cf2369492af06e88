"""Trains an index on a sample, in steps short enough for saved documents to be indexed between them.

FAISS's own k-means cannot be interrupted, so that centroids, of lists and of codes, are found here; what trains in
a moment is left to FAISS. The sample is drawn by the ids, the same one after a crash. Never trains on fewer
vectors than centroids need.
"""

from collections.abc import Generator
from typing import Any

import numpy as np

from search.datatypes import BuildStep, Ids, Vectors

from .base import VectorSource
from .faiss_gpu import nearest_centroid
from .faiss_layers import Layers, coarse_centroids, name_of, product_quantizer

_PER_CENTROID = 256
_PER_CODE = 96
_FEWEST, _MOST = 20_000, 262_144
_READ_ROWS = 8_192
_LIST_ROUNDS, _CODE_ROUNDS = 10, 15
_STEP_OPERATIONS = 1e10

Steps = Generator[BuildStep, None, None]


def train(layers: Layers, source: VectorSource, ids: Ids) -> Generator[BuildStep, None, int]:
    """Train an empty index on a sample of these ids, and return how many vectors it was trained on."""
    if layers.index.is_trained:
        return len(ids)
    seed = int.from_bytes(ids[:1].tobytes(), "little") ^ int(ids.sum() & 0x7FFFFFFFFFFFFFFF)
    rng = np.random.default_rng(seed)
    sample = yield from _sample(layers, source, ids, rng)
    inside = sample
    for transform in layers.transforms:
        if not transform.is_trained:
            transform.train(inside)
            yield BuildStep("training", 0, 1)
        inside = transform.apply(inside)
    if layers.kind == "ivf":
        yield from _train_lists(layers.leaf, inside, rng)
    if name_of(layers.leaf) == "IndexIVFPQ":
        yield from _train_codes(layers.leaf, inside, rng)
    else:
        layers.leaf.train(inside)
    if layers.refine is not None:
        layers.refine.train(sample)
    _declare_trained(layers)
    return len(sample)


def sample_size(layers: Layers, rows: int) -> int:
    """Return how many of so many vectors the index is trained on: 256 a centroid, within what memory allows."""
    wanted = [_FEWEST]
    if layers.kind == "ivf":
        wanted.append(_PER_CENTROID * int(layers.leaf.nlist))
    quantizer = product_quantizer(layers.leaf)
    if quantizer is not None:
        wanted.append(_PER_CENTROID * int(quantizer.ksub))
    return min(rows, max(min(max(wanted), _MOST), layers.vectors_needed))


def kmeans(vectors: Vectors, count: int, rounds: int, rng: np.random.Generator) -> Generator[BuildStep, None, Vectors]:
    """Return `count` centroids of the vectors, shape (count, d), by Lloyd's algorithm."""
    centroids = vectors[rng.choice(len(vectors), count, replace=False)].copy()
    block_rows = max(1_024, int(_STEP_OPERATIONS / (count * vectors.shape[1])))
    for done in range(rounds):
        sums, sizes = np.zeros(centroids.shape, np.float64), np.zeros(count, np.int64)
        for at in range(0, len(vectors), block_rows):
            block = np.ascontiguousarray(vectors[at : at + block_rows])
            _gather(block, nearest_centroid(block, centroids), sums, sizes)
            yield BuildStep("training", done, rounds)
        centroids = _means(centroids, sums, sizes, rng)
    return centroids


def _gather(block: Vectors, nearest: Ids, sums: np.ndarray, sizes: np.ndarray) -> None:
    """Add a block's vectors to the sums of their centroids."""
    order = np.argsort(nearest, kind="stable")
    ordered = nearest[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums[ordered[starts]] += np.add.reduceat(block[order], starts, axis=0)
    sizes += np.bincount(nearest, minlength=len(sizes))


def _means(before: Vectors, sums: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> Vectors:
    """Return the new centroids; one that lost all its vectors takes half of a large one's, by a place beside it."""
    result: Vectors = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        large = rng.choice(len(sizes), len(empty), p=sizes / sizes.sum())
        spread = float(np.abs(result[large]).mean()) * 1e-3
        result[empty] = result[large] + rng.normal(0, spread, result[large].shape).astype(np.float32)
    return result


def _sample(
    layers: Layers, source: VectorSource, ids: Ids, rng: np.random.Generator
) -> Generator[BuildStep, None, Vectors]:
    chosen = np.sort(rng.choice(ids, sample_size(layers, len(ids)), replace=False))
    result = np.empty((len(chosen), layers.index.d), np.float32)
    for at in range(0, len(chosen), _READ_ROWS):
        part = chosen[at : at + _READ_ROWS]
        result[at : at + len(part)] = source.read(part)
        yield BuildStep("training", min(at + _READ_ROWS, len(chosen)), len(chosen))
    rng.shuffle(result)
    return result


def _train_lists(leaf: Any, sample: Vectors, rng: np.random.Generator) -> Steps:
    """Find the centroids of the inverted lists."""
    part = sample[: max(_PER_CENTROID * leaf.nlist, 1)]
    centroids = yield from kmeans(part, leaf.nlist, _LIST_ROUNDS, rng)
    leaf.quantizer.add(centroids)


def _train_codes(leaf: Any, sample: Vectors, rng: np.random.Generator) -> Steps:
    """Find the code book of each part of a product quantizer, on what the lists' centroids leave over."""
    import faiss

    quantizer = leaf.pq
    part = np.ascontiguousarray(sample[: max(_PER_CODE * quantizer.ksub, 1)])
    if leaf.by_residual:
        coarse = coarse_centroids(leaf)
        part = part - coarse.reconstruct_batch(coarse.search(part, 1)[1][:, 0])
    width = quantizer.dsub
    for m in range(quantizer.M):
        piece = np.ascontiguousarray(part[:, m * width : (m + 1) * width])
        book = np.ascontiguousarray((yield from kmeans(piece, quantizer.ksub, _CODE_ROUNDS, rng)))
        quantizer.set_params(faiss.swig_ptr(book), m)
    leaf.precompute_table()


def _declare_trained(layers: Layers) -> None:
    """Tell every layer that its training is over, as FAISS's own training does."""
    import faiss

    layers.leaf.is_trained = True
    outer: Any = faiss.downcast_index(layers.index)
    if layers.refine is not None:
        outer.is_trained = True
        outer = faiss.downcast_index(outer.base_index)
    if layers.transforms:
        outer.is_trained = True
