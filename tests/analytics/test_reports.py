"""What the log tells: which queries went wrong, how, and that those of one meaning stand together."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from search.analytics import reports
from search.analytics.reports import Report, report, totals
from search.models import Collection, IndexVersion, SearchLog

NOW = timezone.now()
SINCE = NOW - timedelta(days=7)


def asked(collection: Collection, text: str, *, times: int = 1, reactions: str = "", **fields: Any) -> SearchLog:
    """Log a query some times; each of them gets the reactions, for example "click up"."""
    values: dict[str, Any] = {"mode": "hybrid", "total": 3, "good_match": True, "took_ms": 5, "at": NOW, **fields}
    for _time in range(times):
        logged = SearchLog.objects.create(collection=collection, text=text, **values)
        for kind in reactions.split():
            logged.reactions.create(kind=kind, document_id=1, rank=1)
    return logged


def texts(collection: Collection, kind: Report, since: datetime = SINCE) -> list[list[str]]:
    return [[query.text for query in group.queries] for group in report(collection, kind, since=since)]


def test_queries_that_found_nothing_good_are_listed_by_how_often(collection: Collection) -> None:
    asked(collection, "fine")
    asked(collection, "none at all", total=0)
    asked(collection, "only distant ones", times=2, good_match=False)

    assert texts(collection, Report.NOTHING) == [["only distant ones"], ["none at all"]]


def test_queries_that_are_asked_often_and_opened_rarely_are_listed(collection: Collection) -> None:
    asked(collection, "rarely opened", times=9)
    asked(collection, "rarely opened", reactions="click")
    asked(collection, "often opened", times=3, reactions="click")
    asked(collection, "asked twice", times=2)
    asked(collection, "without answer", times=9, total=0)

    assert texts(collection, Report.FEW_CLICKS) == [["rarely opened"]]


def test_searches_with_which_people_gave_up_are_listed(collection: Collection) -> None:
    reworded = asked(collection, "second try")
    asked(collection, "first try", followed_by=reworded)
    asked(collection, "opened", reactions="click")
    asked(collection, "answered by its snippet", reactions="up")
    asked(collection, "without answer", good_match=False)

    assert texts(collection, Report.ABANDONED) == [["second try"]]
    assert texts(collection, Report.REWORDED) == [["first try"]]


def test_queries_with_results_called_bad_are_listed(collection: Collection) -> None:
    asked(collection, "good", reactions="click up")
    asked(collection, "bad", reactions="click down")

    assert texts(collection, Report.DISLIKED) == [["bad"]]


def test_queries_that_mean_the_same_are_one_group(live: IndexVersion) -> None:
    asked(live.collection, "annual leave for parents", total=0)
    asked(live.collection, "leave for parents annual", times=3, total=0)
    asked(live.collection, "printer jam", times=2, total=0)

    groups = report(live.collection, Report.NOTHING, since=SINCE)

    assert [(group.text, group.searches, len(group.others)) for group in groups] == [
        ("leave for parents annual", 4, 1),
        ("printer jam", 2, 0),
    ]


def test_what_could_not_be_encoded_in_time_stands_alone(live: IndexVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(live.collection, "quick brown fox", total=0)
    asked(live.collection, "fox brown quick", total=0)
    with monkeypatch.context() as patch:
        patch.setattr(reports, "ENCODE_SECONDS", -1.0)
        assert len(texts(live.collection, Report.NOTHING)) == 2

    assert len(texts(live.collection, Report.NOTHING)) == 1


def test_other_collections_and_other_times_are_left_out(collection: Collection) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    asked(other, "elsewhere", total=0)
    asked(collection, "long ago", total=0, at=SINCE - timedelta(seconds=1))

    assert texts(collection, Report.ALL) == []
    assert totals(collection, since=SINCE).searches == 0


def test_a_query_has_its_figures(collection: Collection) -> None:
    asked(collection, "leave", times=2, reactions="click up")
    asked(collection, "leave", reactions="click down")
    last = asked(collection, "leave", total=0, at=NOW + timedelta(seconds=1))

    [group] = report(collection, Report.ALL, since=SINCE)

    [query] = group.queries
    assert (query.searches, query.nothing, query.clicked, query.up, query.down) == (4, 1, 3, 2, 1)
    assert (query.abandoned, query.click_share, query.log_id, group.last_at) == (0, 0.75, last.pk, last.at)


@pytest.mark.parametrize(("times", "median"), [([], None), ([3.0], 3.0), ([9.0, 1.0, 5.0], 5.0)])
def test_the_totals_have_the_median_time(collection: Collection, times: list[float], median: float | None) -> None:
    for took in times:
        asked(collection, "x", took_ms=took)

    assert totals(collection, since=SINCE).median_ms == median
