"""Filters select what a plain reading of the documents selects, on either database."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from search.models import Collection, Document
from search.retrieval.filtering.filters import FIELDS, Condition, Filters, InvalidFilter, is_field
from search.retrieval.query_language import FieldValue, parse
from tests.retrieval.oracle import conditions, documents, holds


class Exactness(TestCase):
    """Against the oracle."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents, st.lists(conditions, min_size=1, max_size=8))
    def test_conditions_select_what_the_oracle_selects(
        self, rows: list[dict[str, Any]], tried: list[Condition]
    ) -> None:
        collection = Collection.objects.create(slug="docs", name="Docs")
        made = Document.objects.bulk_create(Document(collection=collection, **row) for row in rows)
        for document, row in zip(made, rows, strict=True):
            Document.objects.filter(pk=document.pk).update(updated_at=row["updated_at"])
        stored = list(Document.objects.select_related("collection"))

        for condition in tried:
            selected = set(Filters((condition.checked(),)).apply(Document.objects.all()).values_list("pk", flat=True))
            assert selected == {each.pk for each in stored if holds(each, condition)}, condition
        together = Filters.of(parameters=[condition.text for condition in tried])
        selected = set(together.apply(Document.objects.all()).values_list("pk", flat=True))
        assert selected == {each.pk for each in stored if all(holds(each, condition) for condition in tried)}


@given(conditions)
def test_a_condition_reads_what_it_writes(condition: Condition) -> None:
    assert Condition.read(condition.text) == condition


@given(st.text(max_size=30))
def test_whatever_is_given_is_read_or_refused_by_name(text: str) -> None:
    with suppress(InvalidFilter):
        assert is_field(Condition.read(text).field)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag:news", "tag:news"),
        ("tags:a,b,,b", "tag:a,b"),
        ("TAG:News", "tag:News"),
        ("-lang:de", "-language:de"),
        ('metadata.Team:"a, b"', 'metadata.Team:"a, b"'),
        ("metadata.price:>=10.5", "metadata.price:>=10.5"),
        ("created:2020..2021-06", "created:2020..2021-06"),
        ("date:..2021", "date:..2021"),
        ("url:https://a/*", "url:https://a/*"),
        ("metadata.owner:*", "metadata.owner:*"),
        ('tag:"*"', 'tag:"*"'),
    ],
)
def test_filters_in_a_query_and_in_an_address_are_the_same(query: str, expected: str) -> None:
    written = Filters.of(parse(query, is_field).filters)

    assert written.texts == (expected,)
    assert Filters.of(parameters=written.texts) == written


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("colour:red", "colour", ", ".join(FIELDS)),
        ("metadata.:red", "metadata.", "metadata.NAME"),
        ("red", "red", "field:value"),
        (":red", ":red", "field:value"),
        ("created:soon", "created", "soon is no date"),
        ("created:2020-13", "created", "2020-13 is no date"),
        ("date:2020..never", "date", "never is no date"),
        ("updated:20*", "updated", "no beginnings"),
        ("visibility:secret", "visibility", "public, staff, groups"),
        ("tag:", "tag", "after the colon"),
        ('metadata.a\\:"1"', "metadata.a\\", "backslash"),
        ("tag:" + ",".join(map(str, range(201))), "tag", "200"),
    ],
)
def test_what_cannot_be_applied_is_named(text: str, field: str, told: str) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(told)) as refused:
        Condition.read(text)
    assert refused.value.field == field


def test_a_query_keeps_names_that_are_no_fields_as_words() -> None:
    assert parse("colour:red note:this", is_field).filters == ()


def test_values_of_a_field_are_chosen_one_by_one() -> None:
    filters = Filters.of(parameters=["language:en", "-tag:x", "tag:y,z"])

    one = filters.toggled("tag", "a,b")
    two = one.toggled("tags", "c")

    assert two.chosen("tag") == ("a,b", "c")
    assert two.texts == ("-tag:x", "language:en", 'tag:"a,b"', "tag:c", "tag:y,z")
    assert two.toggled("tag", "a,b").toggled("tag", "c") == filters


def test_the_order_of_filters_does_not_matter() -> None:
    assert Filters.of([FieldValue("tag", "=", "a")], ["language:en"]) == Filters.of(parameters=["language:en", "tag:a"])


@pytest.mark.django_db
def test_a_month_of_the_metadata_has_its_days_and_a_day_its_times(make_document: Callable[..., Document]) -> None:
    for due in ("2025-02", "2025-02-03", "2025-02-03T10:00", "2025-020", "2025-03-01"):
        make_document(external_id=due, metadata={"due": due})

    def selected(text: str) -> set[str]:
        found = Filters.of(parameters=[text]).apply(Document.objects.all())
        return set(found.values_list("external_id", flat=True))

    assert selected("metadata.due:2025-02") == {"2025-02", "2025-02-03", "2025-02-03T10:00"}
    assert selected("metadata.due:2025-02-03") == {"2025-02-03", "2025-02-03T10:00"}
