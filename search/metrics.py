"""What the processes of this installation count and time, by name; `/metrics` shows the sums over all of them.

No metric ever carries a query, a document, a name or an address: labels have few values, all of them ours. Counting
never fails what is counted, and a metric that is not in `METERS` does not exist.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, values

from search import metric_files
from search.conf import conf
from search.datatypes import SearchResponse

PREFIX = "semsearch_"
_SEARCH_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_WORK_BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Meter:
    """One metric: a counter, or a histogram of seconds where it has bounds. Its name lacks the prefix and `_total`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """Return the name as Prometheus shows it."""
        return PREFIX + self.name + ("" if self.bounds else "_total")


METERS = {
    meter.name: meter
    for meter in (
        Meter("searches", "Searches that were answered, without their further pages.", ("mode",)),
        Meter("searches_without_results", "Searches that found nothing."),
        Meter("searches_without_good_match", "Searches with results of which none is a good match."),
        Meter("searches_degraded", "Searches that a part could not take part in, the encoder for example."),
        Meter("searches_refused", "Searches that could not be answered, by the reason.", ("reason",)),
        Meter("search_seconds", "Time of a search, without making a page of it.", (), _SEARCH_BOUNDS),
        Meter("search_stage_seconds", "Time of a search's stages.", ("stage",), _STAGE_BOUNDS),
        Meter("request_seconds", "Time of a request by kind and class of status.", ("kind", "status"), _SEARCH_BOUNDS),
        Meter("query_vectors", "Vectors of queries: remembered (hit) or encoded (miss).", ("cache",)),
        Meter("encode_seconds", "Time of a call of the encoder.", ("what",), _WORK_BOUNDS),
        Meter("encoded_texts", "Texts encoded.", ("what",)),
        Meter("encoded_characters", "Characters of texts encoded.", ("what",)),
        Meter("encodes_failed", "Calls of the encoder that failed.", ("what",)),
        Meter("changes_applied", "Changes of documents that reached an index version."),
        Meter(
            "task_seconds", "Time of the worker's tasks by name and how they ended.", ("task", "state"), _WORK_BOUNDS
        ),
    )
}


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """What all processes have counted of searches. Sums that fall mean that the folder of metrics was removed.

    `seconds_buckets` are (upper bound in seconds, searches up to it), the last bound infinite.
    """

    searches: int = 0
    zero_results: int = 0
    seconds_buckets: tuple[tuple[float, int], ...] = ()


def count(name: str, amount: float = 1, **labels: str) -> None:
    """Add to a counter. Never raises for what the disk does; KeyError for a name or label that there is not."""
    child = _child(name, tuple(labels[label] for label in METERS[name].labels))
    if child is not None:
        with contextlib.suppress(OSError):  # of a process that was forked and gets no files of its own
            child.inc(amount)


def observe(name: str, seconds: float, **labels: str) -> None:
    """Add a time to a histogram; else as `count`."""
    child = _child(name, tuple(labels[label] for label in METERS[name].labels))
    if child is not None:
        with contextlib.suppress(OSError):
            child.observe(seconds)


@contextlib.contextmanager
def timed_encode(what: str, texts: Sequence[str]) -> Iterator[None]:
    """Count what is encoded inside, of queries or documents, and how long it takes, or that it fails."""
    begun = time.perf_counter()
    try:
        yield
    except Exception:
        count("encodes_failed", what=what)
        raise
    observe("encode_seconds", time.perf_counter() - begun, what=what)
    count("encoded_texts", len(texts), what=what)
    count("encoded_characters", sum(map(len, texts)), what=what)


def count_search(response: SearchResponse) -> None:
    """Count an answered search and the time of each of its stages."""
    count("searches", mode=response.mode)
    if not response.results:
        count("searches_without_results")
    elif not response.good_match:
        count("searches_without_good_match")
    if response.degraded:
        count("searches_degraded")
    for stage in _STAGES:
        observe("search_stage_seconds", getattr(response.took_ms, stage) / 1_000, stage=stage)
    observe("search_seconds", response.took_ms.total / 1_000)


def search_figures() -> SearchFigures:
    """Return what all processes of the host have counted of searches until now."""
    families = {family.name: family for family in collected()}
    seconds = families.get(METERS["search_seconds"].full_name)
    buckets = [
        (float(sample.labels["le"]), int(sample.value))
        for sample in (seconds.samples if seconds else ())
        if sample.name.endswith("_bucket")
    ]
    return SearchFigures(
        searches=_sum(families.get(PREFIX + "searches")),
        zero_results=_sum(families.get(PREFIX + "searches_without_results")),
        seconds_buckets=tuple(sorted(buckets)),
    )


def collected() -> list[Any]:
    """Return what all processes of the host have counted, as Prometheus' metric families."""
    return metric_files.collected(_folder())


_STAGES = ("parse", "encode", "filter", "dense", "lexical", "fuse", "rerank", "fetch")
_lock = threading.Lock()
_children: dict[tuple[str, tuple[str, ...]], Any] = {}


def _child(name: str, labels: tuple[str, ...]) -> Any:
    """Return what counts for these labels; None where this process cannot count."""
    key = (name, labels)
    if key not in _children:
        with _lock:
            meters = _registered()
            _children[key] = (meters[name].labels(*labels) if labels else meters[name]) if meters else None
    return _children[key]


@cache
def _folder() -> Path:
    """Return the folder of this process's files: settings that tests change later do not move it."""
    return conf().DATA_DIR / "metrics"


@cache
def _registered() -> dict[str, Any]:
    """Make the metrics in files of this process; none where the disk has no room for them."""
    registry = CollectorRegistry()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_folder())  # where Prometheus' client looks for it
    try:
        values.ValueClass = values.MultiProcessValue(metric_files.ProcessFiles(_folder()))
        return {meter.name: _made(meter, registry) for meter in METERS.values()}
    except OSError as error:
        logger.warning("This process counts nothing for the metrics: %s", error)
        return {}


def _made(meter: Meter, registry: CollectorRegistry) -> Counter | Histogram:
    name = PREFIX + meter.name
    if meter.bounds:
        return Histogram(name, meter.help, meter.labels, buckets=meter.bounds, registry=registry)
    return Counter(name, meter.help, meter.labels, registry=registry)


def _sum(family: Any) -> int:
    return int(sum(sample.value for sample in family.samples)) if family else 0
