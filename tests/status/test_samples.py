"""Samples of figures: what is counted since the one before, put together as they age, read as columns."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from search.metrics import SearchFigures
from search.models import FigureSample, PendingChange
from search.status import samples
from search.status.samples import Span, quantile
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 5, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Counted = Callable[[SearchFigures], None]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Let the processes have counted this."""
    return lambda figures: monkeypatch.setattr("search.metrics.search_figures", lambda: figures)


def figures(searches: int, zero: int, quick: int) -> SearchFigures:
    return SearchFigures(searches, zero, ((0.1, quick), (1.0, searches), (math.inf, searches)))


def made(at: datetime, span: int = Span.MINUTE, **values: Any) -> FigureSample:
    return FigureSample.objects.create(taken_at=at, span=span, **values)


def test_a_sample_has_what_was_counted_since_the_one_before(counted: Counted) -> None:
    counted(figures(10, 2, 8))
    first = samples.take(NOON)
    counted(figures(15, 3, 10))
    second = samples.take(NOON + MINUTE)

    assert first is not None
    assert second is not None
    assert (first.searches, first.zero_results) == (0, 0)  # nobody knows since when
    assert (second.searches, second.zero_results) == (5, 1)
    assert second.buckets == [[0.1, 2], [1.0, 5], [None, 5]]


def test_a_minute_has_one_sample(counted: Counted) -> None:
    assert samples.take(NOON) is not None
    assert samples.take(NOON + timedelta(seconds=20)) is None


def test_counting_that_began_anew_is_counted_from_nothing(counted: Counted) -> None:
    counted(figures(100, 0, 100))
    samples.take(NOON)
    counted(figures(3, 1, 3))

    sample = samples.take(NOON + MINUTE)

    assert sample is not None
    assert (sample.searches, sample.zero_results) == (3, 1)


def test_a_sample_says_how_the_index_stands(
    counted: Counted, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    make_document()
    make_document()
    since = PendingChange.objects.order_by("pk")[0].created_at

    sample = samples.take(since + timedelta(minutes=2))

    assert sample is not None
    assert (sample.documents, sample.pending, sample.failed) == (1, 2, 0)
    assert sample.lag_seconds == pytest.approx(120, abs=5)
    assert sample.disk_free > 0


def test_minutes_become_hours_and_hours_days_and_nothing_is_lost() -> None:
    for number in range(3 * 60):
        made(NOON + number * MINUTE, searches=1, buckets=[[0.1, 1], [None, 1]], pending=number, documents=number)

    samples.thin_out(NOON + timedelta(days=1, hours=2, minutes=30))

    assert FigureSample.objects.filter(span=Span.HOUR).count() == 2
    assert FigureSample.objects.filter(span=Span.MINUTE).count() == 60
    first = FigureSample.objects.filter(span=Span.HOUR).earliest("taken_at")
    assert (first.searches, first.buckets, first.pending, first.documents) == (60, [[0.1, 60], [None, 60]], 59, 59)
    assert sum(FigureSample.objects.values_list("searches", flat=True)) == 180

    samples.thin_out(NOON + timedelta(days=32))

    assert [(sample.span, sample.searches) for sample in FigureSample.objects.all()] == [(Span.DAY, 180)]


def test_what_is_older_than_a_year_goes() -> None:
    made(NOON, Span.DAY)

    samples.thin_out(NOON + timedelta(days=367))

    assert not FigureSample.objects.exists()


def test_thinning_twice_changes_nothing() -> None:
    for number in range(120):
        made(NOON + number * MINUTE, searches=1)
    later = NOON + timedelta(days=2)

    assert samples.thin_out(later) == 120
    assert samples.thin_out(later) == 0


def test_columns_are_sums_and_the_worst_with_gaps_where_nobody_measured() -> None:
    made(NOON - timedelta(hours=3, minutes=50), searches=4, buckets=[[0.1, 4], [None, 4]], lag_seconds=7)
    made(NOON - timedelta(hours=3, minutes=40), searches=4, buckets=[[0.1, 0], [1.0, 4], [None, 4]], lag_seconds=1)
    made(NOON - timedelta(minutes=5), searches=1)

    first, second, third, fourth = samples.columns(NOON, hours=4, count=4)

    assert (first.searches, first.lag_seconds) == (8, 7)
    assert (second.searches, third.searches, fourth.searches) == (None, None, 1)
    assert fourth.p95_seconds is None


@pytest.mark.parametrize(
    ("buckets", "share", "seconds"),
    [
        ([], 0.5, None),
        ([[0.1, 0], [None, 0]], 0.5, None),
        ([[0.1, 10], [None, 10]], 0.5, 0.05),
        ([[0.1, 5], [0.3, 10], [None, 10]], 0.75, 0.2),
        ([[0.1, 5], [None, 10]], 0.95, 0.1),
        ([[0.1, 0], [0.2, 4], [None, 4]], 0.5, 0.15),
    ],
)
def test_quantiles_lie_straight_between_the_bounds(
    buckets: list[list[float | None]], share: float, seconds: float | None
) -> None:
    assert quantile(buckets, share) == (seconds if seconds is None else pytest.approx(seconds))
