"""Which logged queries brought a document."""

from typing import Any

import pytest

from search.analytics.found_by import found_by
from search.models import Collection, Document, SearchLog, SearchReaction
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def log(collection: Collection, text: str, *shown: Document, **fields: Any) -> SearchLog:
    pairs = [[document.pk, 1.0] for document in shown]
    values = {"mode": "hybrid", "total": len(shown), "good_match": True, "took_ms": 1.0, **fields}
    return SearchLog.objects.create(collection=collection, text=text, shown=pairs, **values)


def test_queries_are_put_together_with_their_best_place_and_what_was_done(
    collection: Collection, make_document: MakeDocument
) -> None:
    document, other = make_document(external_id="a"), make_document(external_id="b")
    first = log(collection, "Holiday  rules", other, document)
    log(collection, "holiday rules", document)
    log(collection, "days off", other, document)
    log(collection, "fax", other)
    SearchReaction.objects.create(search=first, kind="click", document_id=document.pk, rank=2)
    SearchReaction.objects.create(search=first, kind="up", document_id=other.pk, rank=1)

    report = found_by(document)

    assert report.looked_through == 4
    assert [(q.text, q.times, q.best_rank) for q in report.queries] == [("holiday rules", 2, 1), ("days off", 1, 2)]
    assert dict(report.queries[0].reactions) == {"click": 1}


def test_searches_of_other_collections_do_not_count(collection: Collection, make_document: MakeDocument) -> None:
    document = make_document()
    log(Collection.objects.create(slug="other", name="Other"), "x", document)

    assert found_by(document).queries == ()
