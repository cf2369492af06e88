"""Samples of figures: taken by the worker about every minute, put together as they age, read as columns of a chart.

A day of minutes, thirty days of hours and a year of days are kept: some 2,500 rows, however large the corpus is.
"""

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Max

from search import metrics
from search.conf import conf
from search.indexing.progress import pending_work
from search.metrics import SearchFigures
from search.models import FigureSample, IndexVersion

Span = FigureSample.Span
Buckets = list[list[float | None]]
_EVERY = timedelta(seconds=55)
_KEPT: tuple[tuple[Span, timedelta, Span | None], ...] = (
    (Span.MINUTE, timedelta(days=1), Span.HOUR),
    (Span.HOUR, timedelta(days=30), Span.DAY),
    (Span.DAY, timedelta(days=365), None),
)


@dataclass(frozen=True, slots=True)
class Column:
    """What was in one stretch of time; None where nobody measured, or nobody searched."""

    begin: datetime
    searches: int | None = None
    zero_results: int | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    documents: int | None = None
    pending: int | None = None
    lag_seconds: float | None = None


def take(now: datetime) -> FigureSample | None:
    """Write the sample of this minute, unless it is there; returns it."""
    last = FigureSample.objects.filter(span=Span.MINUTE).order_by("-taken_at").first()
    if last is not None and now - last.taken_at < _EVERY:
        return None
    counted = metrics.search_figures()
    before = SearchFigures() if last is None else _figures(last.counted)
    since = _difference(counted, before) if last is not None else SearchFigures()
    live = list(IndexVersion.objects.active())
    work = pending_work([version.pk for version in live]).values()
    oldest = [item.oldest for item in work if item.oldest is not None]
    return FigureSample.objects.create(
        taken_at=now,
        searches=since.searches,
        zero_results=since.zero_results,
        buckets=_as_json(since),
        documents=sum(version.documents for version in live),
        pending=sum(item.waiting for item in work),
        failed=sum(item.failed for item in work),
        lag_seconds=max(0.0, (now - min(oldest)).total_seconds()) if oldest else 0.0,
        disk_free=shutil.disk_usage(conf().DATA_DIR).free,
        counted={"searches": counted.searches, "zero_results": counted.zero_results, "buckets": _as_json(counted)},
    )


def thin_out(now: datetime) -> int:
    """Put samples together that are old enough for it, delete what is older than a year; return how many went."""
    gone = 0
    for span, kept, wider in _KEPT:
        before = _floor(now - kept, Span.DAY if wider is None else wider)
        old = list(FigureSample.objects.filter(span=span, taken_at__lt=before).order_by("taken_at"))
        with transaction.atomic():
            if wider is not None:
                for _begin, group in groupby(old, key=lambda sample: _floor(sample.taken_at, wider)):
                    _together(list(group), wider).save()
            FigureSample.objects.filter(pk__in=[sample.pk for sample in old]).delete()
        gone += len(old)
    return gone


def columns(now: datetime, *, hours: int = 24, count: int = 48) -> list[Column]:
    """Return the last hours as `count` columns, the oldest first."""
    width = timedelta(hours=hours) / count
    begin = now - timedelta(hours=hours)
    found: list[list[FigureSample]] = [[] for _ in range(count)]
    for sample in (
        FigureSample.objects.filter(taken_at__gt=begin, taken_at__lte=now).defer("counted").order_by("taken_at")
    ):
        found[min(count - 1, int((sample.taken_at - begin) / width))].append(sample)
    return [_column(begin + width * at, samples) for at, samples in enumerate(found)]


def worker_seen_at() -> datetime | None:
    """Return when the worker gave its last sign of life: it took a sample, or brought a version up to date."""
    taken = FigureSample.objects.order_by("-taken_at").values_list("taken_at", flat=True).first()
    applied = IndexVersion.objects.aggregate(last=Max("changed_at"))["last"]
    return max((moment for moment in (taken, applied) if moment is not None), default=None)


def quantile(buckets: Iterable[Sequence[float | None]], share: float) -> float | None:
    """Return the seconds within which a share of searches was answered, straight between the bounds; None of none.

    Searches beyond the last finite bound count as that bound.
    """
    rows = [(math.inf if bound is None else bound, count or 0) for bound, count in buckets]
    total = rows[-1][1] if rows else 0
    if not total:
        return None
    below, counted = 0.0, 0.0
    for bound, count in rows:
        if count >= share * total:
            if math.isinf(bound):
                return below
            return below + (bound - below) * (share * total - counted) / (count - counted) if count > counted else bound
        below, counted = bound, count
    return below


def _column(begin: datetime, samples: Sequence[FigureSample]) -> Column:
    if not samples:
        return Column(begin)
    all_of_them = _together(samples, Span.HOUR)
    return Column(
        begin,
        all_of_them.searches,
        all_of_them.zero_results,
        quantile(all_of_them.buckets, 0.5),
        quantile(all_of_them.buckets, 0.95),
        all_of_them.documents,
        all_of_them.pending,
        all_of_them.lag_seconds,
    )


def _together(samples: Sequence[FigureSample], span: Span) -> FigureSample:
    """Return one sample, unsaved, for several in a row: sums of what was counted, the worst of the rest."""
    last = samples[-1]
    return FigureSample(
        taken_at=last.taken_at,
        span=span,
        searches=sum(sample.searches for sample in samples),
        zero_results=sum(sample.zero_results for sample in samples),
        buckets=_summed([sample.buckets for sample in samples]),
        documents=last.documents,
        pending=max(sample.pending for sample in samples),
        failed=max(sample.failed for sample in samples),
        lag_seconds=max(sample.lag_seconds for sample in samples),
        disk_free=min(sample.disk_free for sample in samples),
    )


def _summed(many: Iterable[Buckets]) -> Buckets:
    sums: dict[float | None, float] = {}
    for buckets in many:
        for bound, count in buckets:
            sums[bound] = sums.get(bound, 0) + (count or 0)
    return [[bound, sums[bound]] for bound in sorted(sums, key=lambda bound: math.inf if bound is None else bound)]


def _difference(now: SearchFigures, before: SearchFigures) -> SearchFigures:
    """Return what was counted between two moments; all of it where counting began anew."""
    if now.searches < before.searches:
        return now
    earlier = dict(before.seconds_buckets)
    return SearchFigures(
        now.searches - before.searches,
        max(0, now.zero_results - before.zero_results),
        tuple((bound, max(0, count - earlier.get(bound, 0))) for bound, count in now.seconds_buckets),
    )


def _as_json(figures: SearchFigures) -> Buckets:
    return [[None if math.isinf(bound) else bound, count] for bound, count in figures.seconds_buckets]


def _figures(counted: dict[str, Any]) -> SearchFigures:
    buckets = counted.get("buckets", [])
    return SearchFigures(
        counted.get("searches", 0),
        counted.get("zero_results", 0),
        tuple((math.inf if bound is None else bound, count) for bound, count in buckets),
    )


def _floor(moment: datetime, span: int) -> datetime:
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % span, UTC)
