"""Finds the search parameters with which an index reaches a recall in the least time, and measures it.

People set the recall, not nprobe. The parameters are found on one half of the held-out queries and reported on
the other, one query at a time in one thread. Never changes the index, and never claims a recall that it has not
seen: what cannot be reached is reported as it is.
"""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.datatypes import BuildStep, Ids

from .faiss_held_out import HeldOut, K
from .faiss_layers import Layers, layers_of
from .faiss_types import Values

Recall = NDArray[np.float64]

WIDEST_SEARCH = 2_048
K_FACTORS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)
_LADDER = 1.12
_MARGIN = 1.5
_GROUP = 50
_TRIAL_SECONDS, _STEP_SECONDS, _FEWEST_QUERIES = 1.0, 0.5, 400


@dataclass(frozen=True, slots=True)
class Tuned:
    """Parameters found, and what they gave on `queries` queries that they were not found with."""

    parameters: Values
    recall: float
    median_us: float
    p95_us: float
    queries: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting's recall, the standard error of it, and microseconds a query."""

    values: dict[str, float]
    recall: float
    error: float
    us: float


Trials = Generator[BuildStep, None, Trial]


def tune(index: Any, fixed: Values, held_out: HeldOut, target: float) -> Generator[BuildStep, None, Tuned]:
    """Find the fastest parameters of an index whose recall@10 reaches the target; those of `fixed` stay.

    The index holds exactly the first `held_out.indexed` rows. When the target is out of reach, the parameters with
    the highest recall are returned, and their recall.
    """
    order = np.random.default_rng(len(held_out.queries)).permutation(len(held_out.queries))
    half = math.ceil(len(order) / 2)
    search = _Search(layers_of(index), dict(fixed), held_out, target, order[:half])
    found = yield from search.fastest()
    search.queries = order[half:] if len(order) > half else order
    return (yield from search.report(found))


@dataclass
class _Search:
    """The state of one tuning."""

    layers: Layers
    fixed: dict[str, float]
    held_out: HeldOut
    target: float
    queries: Ids
    margin: float = field(default=_MARGIN)
    done: int = field(default=0)

    def good(self, trial: Trial) -> bool:
        """Return whether the target is reached by more than chance, where that is possible."""
        return trial.recall - self.margin * trial.error >= self.target

    @property
    def width(self) -> str | None:
        """The parameter that decides how much of the index is looked at, if it is to be tuned."""
        return next((name for name in self.layers.tunable if name != "k_factor" and name not in self.fixed), None)

    @property
    def ladder(self) -> list[int]:
        """The widths to choose from."""
        if self.width is None:
            return [0]
        low, high = (1, int(self.layers.leaf.nlist)) if self.layers.kind == "ivf" else (K, WIDEST_SEARCH)
        steps = math.ceil(math.log(high / low, _LADDER)) if high > low else 0
        return sorted({min(high, math.ceil(low * _LADDER**step)) for step in range(steps + 1)})

    @property
    def factors(self) -> list[float]:
        """The refine factors to choose from."""
        tuned = "k_factor" in self.layers.tunable and "k_factor" not in self.fixed
        return list(K_FACTORS) if tuned else [self.fixed.get("k_factor", 0.0)]

    def fastest(self) -> Trials:
        """Return the fastest setting that is good for the target, or else the widest search."""
        ladder, factors = self.ladder, self.factors
        widest = yield from self.trial(ladder[-1], factors[-1])
        if not self.good(widest):
            if widest.recall < self.target:
                return widest
            self.margin = 0.0
        at, best = yield from self.narrowest(ladder, factors[-1], 0, widest)
        for factor in factors[:-1]:
            # A small factor needs a wider search; beyond half as wide again a larger factor is cheaper.
            wide = min(at + round(math.log(1.5, _LADDER)), len(ladder) - 1)
            trial = yield from self.trial(ladder[wide], factor)
            if self.good(trial):
                _, trial = yield from self.narrowest(ladder[: wide + 1], factor, at, trial)
                best = trial if trial.us < best.us else best
        return best

    def narrowest(
        self, ladder: list[int], factor: float, low: int, good: Trial
    ) -> Generator[BuildStep, None, tuple[int, Trial]]:
        """Return the first place of the ladder that is good for the target; its last one is, as `good` shows."""
        high = len(ladder) - 1
        while low < high:
            middle = (low + high) // 2
            trial = yield from self.trial(ladder[middle], factor)
            if self.good(trial):
                high, good = middle, trial
            else:
                low = middle + 1
        return high, good

    def report(self, found: Trial) -> Generator[BuildStep, None, Tuned]:
        """Measure with other queries, one at a time; search wider while these miss what the first half reached."""
        trial = yield from self.trial_of(found.values)
        if found.recall >= self.target:
            for values in self.wider(found.values):
                if trial.recall >= self.target:
                    break
                trial = yield from self.trial_of(values)
        times = yield from self.times(trial.values)
        parameters = tuple(sorted((name, _plain(value)) for name, value in trial.values.items()))
        median, p95 = (float(np.percentile(times, part)) for part in (50, 95))
        return Tuned(parameters, trial.recall, median, p95, len(self.queries))

    def wider(self, values: dict[str, float]) -> Iterator[dict[str, float]]:
        """Yield ever wider settings than this: a step of each tuned parameter at a time."""
        ladders: dict[str, list[float]] = {}
        if self.width is not None:
            ladders[self.width] = [width for width in self.ladder if width > values[self.width]]
        if "k_factor" in self.layers.tunable and "k_factor" not in self.fixed:
            ladders["k_factor"] = [factor for factor in self.factors if factor > values["k_factor"]]
        for step in range(max(map(len, ladders.values()), default=0)):
            yield {**values, **{name: steps[min(step, len(steps) - 1)] for name, steps in ladders.items() if steps}}

    def trial(self, width: int, factor: float) -> Trials:
        """Try one width and one refine factor, beside what is fixed."""
        values = dict(self.fixed)
        if self.width is not None:
            values[self.width] = width
        if "k_factor" in self.layers.tunable:
            values["k_factor"] = factor or 1.0
        return self.trial_of(values)

    def trial_of(self, values: dict[str, float]) -> Trials:
        """Search with these values in blocks of half a second, for a second or 400 queries, whichever is more."""
        parameters = self.layers.search_parameters(values)
        shares: list[Recall] = []
        seconds, at, size = 0.0, 0, 10
        while at < len(self.queries) and (at < _FEWEST_QUERIES or seconds < _TRIAL_SECONDS):
            chosen = self.queries[at : at + size]
            took, found = self.searched(chosen, parameters)
            shares.append(self.held_out.hits(found, chosen))
            seconds, at = seconds + took, at + len(chosen)
            size = max(1, min(1_000, int(_STEP_SECONDS * at / max(seconds, 1e-6))))
            self.done += 1
            yield BuildStep("measuring", self.done, self.done + 10)
        recall, error = self.judged(np.concatenate(shares), self.queries[:at])
        return Trial(values, recall, error, seconds / at * 1e6)

    def judged(self, shares: Recall, chosen: Ids) -> tuple[float, float]:
        """Return the recall and its standard error: of people's queries or of the sample.

        The worse of both counts, when there are 50 of both; otherwise they are one.
        """
        ours = chosen < self.held_out.sampled
        groups = [shares[ours], shares[~ours]]
        if min(map(len, groups)) < _GROUP:
            groups = [shares]
        worst = min(groups, key=lambda group: float(group.mean()))
        return float(worst.mean()), float(worst.std() / math.sqrt(len(worst)))

    def times(self, values: dict[str, float]) -> Generator[BuildStep, None, Recall]:
        """Return microseconds of single searches, after a few that warm the caches."""
        parameters = self.layers.search_parameters(values)
        self.searched(self.queries[:20], parameters)
        took: list[float] = []
        while len(took) < len(self.queries) and (len(took) < 20 or sum(took) < _TRIAL_SECONDS):
            took.append(self.searched(self.queries[len(took) : len(took) + 1], parameters)[0])
            if len(took) % 100 == 0:
                yield BuildStep("measuring", len(took), len(self.queries))
        return np.array(took) * 1e6

    def searched(self, chosen: Ids, parameters: Any) -> tuple[float, Ids]:
        """Search for the chosen queries in one thread; return its seconds of computing, and rows."""
        queries = self.held_out.queries[chosen]
        with _one_thread():
            begun = time.thread_time()
            _, rows = self.layers.index.search(queries, K, params=parameters)
            return time.thread_time() - begun, rows


@contextmanager
def _one_thread() -> Iterator[None]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _plain(value: float) -> float:
    """Return whole numbers as int."""
    return int(value) if float(value).is_integer() else float(value)
