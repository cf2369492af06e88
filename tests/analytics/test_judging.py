"""Queries of the log that become queries to be judged, with what people said about their results."""

import pytest

from search.analytics.judging import judgments_of_reactions, log_query_set, to_be_judged
from search.models import Collection, Document, EvaluationQuery, Judgment, SearchLog
from tests.conftest import MakeDocument


def react(collection: Collection, document: Document, *kinds: str, text: str = "leave") -> None:
    """Log one search for each reaction."""
    for kind in kinds:
        logged = SearchLog.objects.create(
            collection=collection, text=text, mode="hybrid", total=1, good_match=True, took_ms=1
        )
        logged.reactions.create(kind=kind, document_id=document.pk, rank=1)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["click"], None),
        (["click", "click"], (1, "click")),
        (["up"], (2, "thumb")),
        (["down"], (0, "thumb")),
        (["up", "up", "down"], (2, "thumb")),
        (["up", "down"], None),
        (["click", "click", "click", "down"], (0, "thumb")),
    ],
)
def test_reactions_are_judgments(
    collection: Collection, make_document: MakeDocument, kinds: list[str], expected: tuple[int, str] | None
) -> None:
    react(collection, make_document(external_id="a"), *kinds)

    assert judgments_of_reactions(collection, "leave") == ({} if expected is None else {"a": expected})


def test_queries_are_put_into_one_set_each_once(collection: Collection) -> None:
    first = to_be_judged(collection, ["leave", "fax"])
    second = to_be_judged(collection, ["fax", "sick note"])

    assert [query.text for query in EvaluationQuery.objects.order_by("pk")] == ["leave", "fax", "sick note"]
    assert second[0] == first[1]
    assert log_query_set(collection).source == "log"


def test_reactions_never_replace_what_somebody_judged(collection: Collection, make_document: MakeDocument) -> None:
    document = make_document(external_id="a")
    [query] = to_be_judged(collection, ["leave"])
    judgment = query.judgments.create(external_id="a", grade=3, source=Judgment.Source.HAND)
    react(collection, document, "down")

    to_be_judged(collection, ["leave"])

    judgment.refresh_from_db()
    assert (judgment.grade, judgment.source) == (3, "hand")


def test_later_reactions_replace_earlier_ones(collection: Collection, make_document: MakeDocument) -> None:
    document = make_document(external_id="a")
    react(collection, document, "up")
    to_be_judged(collection, ["leave"])
    react(collection, document, "down", "down")

    to_be_judged(collection, ["leave"])

    assert Judgment.objects.get().grade == 0
