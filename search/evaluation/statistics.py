"""How sure a mean is, and whether one list of values is really better than another. Pure; the same numbers each time.

Both methods assume nothing about how the values are distributed: nDCG is neither normal nor continuous.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_RESAMPLES = 2_000
_FLIPS = 10_000
_EXACT_UP_TO = 13  # differences; 2 to the power of so many signs are all tried
_AT_ONCE = 4_000_000  # random numbers
_SEED = 20_161
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    count: int

    def as_json(self) -> dict[str, float]:
        """Return the form that a run's row keeps."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "count": self.count}


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired comparison of two systems; positive means that the second one is better.

    `p_value` is the probability of a difference at least as large if the two were equally good.
    """

    difference: float
    low: float
    high: float
    p_value: float
    wins: int
    ties: int
    losses: int

    @property
    def significant(self) -> bool:
        """True when chance would rarely do it."""
        return self.p_value < 1 - CONFIDENCE


def mean(values: Sequence[float]) -> Mean:
    """Return the mean of `values` with its interval by the bootstrap (Efron, 1979); zeros where there are none."""
    if not values:
        return Mean(0.0, 0.0, 0.0, 0)
    sample = np.asarray(values, dtype=np.float64)
    low, high = _interval(sample)
    return Mean(float(sample.mean()), low, high, len(sample))


def compare(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare two systems by their values for the same queries, in the same order. Raises ValueError otherwise.

    The test is Fisher's randomisation test, as Smucker, Allan and Carterette (2007) recommend it for retrieval.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}.")
    change = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    if not len(change):
        return Difference(0.0, 0.0, 0.0, 1.0, 0, 0, 0)
    wins, losses = int((change > _TIE).sum()), int((change < -_TIE).sum())
    low, high = _interval(change)
    ties = len(change) - wins - losses
    return Difference(float(change.mean()), low, high, _p_value(change[np.abs(change) > _TIE]), wins, ties, losses)


def _interval(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval that holds 95 % of the means of samples drawn from the sample."""
    random = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // len(sample))
    means = np.concatenate([
        sample[random.integers(0, len(sample), (min(step, _RESAMPLES - done), len(sample)))].mean(axis=1)
        for done in range(0, _RESAMPLES, step)
    ])  # fmt: skip
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _p_value(change: NDArray[np.float64]) -> float:
    """Return how often random signs make the sum as far from 0 as it is; `change` has no zeros, which would not."""
    if not len(change):
        return 1.0
    seen = abs(float(change.sum())) - _TIE
    if len(change) <= _EXACT_UP_TO:
        signs = (np.arange(2 ** len(change))[:, None] >> np.arange(len(change))) & 1
        return float((np.abs((signs * 2 - 1) @ change) >= seen).mean())
    random = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // len(change))
    as_far = 0
    for done in range(0, _FLIPS, step):
        bits = random.integers(0, 2, (min(step, _FLIPS - done), len(change)), dtype=np.int8)
        as_far += int((np.abs((bits * 2 - 1) @ change) >= seen).sum())
    return (as_far + 1) / (_FLIPS + 1)
