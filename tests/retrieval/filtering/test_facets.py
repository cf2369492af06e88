"""A facet's counts are those of the result set, and what its filters would select."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from search.datatypes import Facet
from search.models import Collection, Document
from search.retrieval.filtering.facets import facets_of
from search.retrieval.filtering.filters import METADATA, Condition, Filters
from tests.conftest import MakeDocument
from tests.retrieval.oracle import documents, elements, holds

FIELDS = ("language", "tag", "visibility", "date", "collection", "metadata.n", "metadata.a", "metadata.a.b")


def shown(facet: Facet) -> dict[str, int]:
    return {value.value: value.count for value in facet.values}


class Exactness(TestCase):
    """Against the oracle of filters."""

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents, st.data())
    def test_a_count_is_the_number_of_documents_that_its_filter_selects(
        self, rows: list[dict[str, Any]], data: st.DataObject
    ) -> None:
        collection = Collection.objects.create(slug="docs", name="Docs")
        Document.objects.bulk_create(Document(collection=collection, **row) for row in rows)
        stored = list(Document.objects.select_related("collection"))
        found = data.draw(st.lists(st.sampled_from(stored), unique_by=lambda each: each.pk))

        facets = facets_of(Document.objects.all(), [each.pk for each in found], Filters(), fields=FIELDS)

        assert [facet.field for facet in facets] == list(FIELDS)
        for facet in facets:
            for value in facet.values:
                condition = Condition(facet.field, "=", (value.value,))
                assert value.count == sum(holds(each, condition) for each in found) > 0, condition
            keys = ["tags", "tag"] if facet.field == "tag" else [facet.field.removeprefix(METADATA)]
            if facet.field == "tag" or facet.field.startswith(METADATA):
                there = {str(e) for d in found for key in keys for e in elements(d.metadata, key)
                         if isinstance(e, str) and e}  # fmt: skip
                assert there <= shown(facet).keys()
            assert facet.distinct == len(facet.values)


def test_keys_that_tell_documents_apart_are_offered_unasked(make_document: MakeDocument) -> None:
    for number in range(6):
        make_document(
            language="de" if number < 2 else "en",
            metadata={"team": "sales" if number % 2 else "research", "id": f"x{number}", "same": 1, "long": "x" * 99},
        )
    ids = list(Document.objects.values_list("pk", flat=True))

    facets = facets_of(Document.objects.all(), ids, Filters.of(parameters=["metadata.team:sales"]), exact=False)

    assert {facet.field: shown(facet) for facet in facets} == {
        "language": {"en": 4, "de": 2},
        "metadata.team": {"sales": 3, "research": 3},
    }
    assert [value.selected for value in facets[1].values] == [True, False]
    assert facets[0].values[0].label == "English"
    assert not facets[0].exact


def test_a_facet_shows_its_most_frequent_values_and_those_that_are_chosen(make_document: MakeDocument) -> None:
    for number in range(30):
        make_document(metadata={"tags": [f"t{number:02}", "all"]})
    ids = list(Document.objects.values_list("pk", flat=True))

    (facet,) = facets_of(Document.objects.all(), ids, Filters.of(parameters=["tag:t29"]), fields=["tags"])

    assert (facet.field, facet.distinct, len(facet.values)) == ("tag", 31, 20)
    assert [value.value for value in facet.values[:3]] == ["t29", "all", "t00"]


def test_only_documents_that_are_there_are_counted(make_document: MakeDocument) -> None:
    public, secret = make_document(language="en"), make_document(language="de", visibility="staff")

    (facet,) = facets_of(
        Document.objects.visible_to(None), [public.pk, secret.pk, 999_999], Filters(), fields=["language"]
    )

    assert shown(facet) == {"en": 1}
