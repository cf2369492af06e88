"""Filters select what a plain reading of the documents selects, on either database."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from search.models import Collection, Document
from search.retrieval.filters import FIELDS, Condition, Filters, InvalidFilter, is_field
from search.retrieval.query_language import FieldValue, parse

# --- The oracle: the documented meaning, in plain Python, over values in memory.

NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
DATE = re.compile(r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?", re.ASCII)


def as_written(text: str) -> str | None:
    match = DATE.fullmatch(text)
    return "-".join(part.zfill(2) for part in match.groups() if part) if match else None


def elements(metadata: dict[str, Any], key: str) -> Iterator[Any]:
    for value in places(metadata, key):
        if isinstance(value, list):
            yield from value
        elif not isinstance(value, dict):
            yield value


def places(metadata: dict[str, Any], key: str) -> Iterator[Any]:
    if key in metadata:
        yield metadata[key]
    inner: Any = metadata
    if "." in key:
        for step in key.split("."):
            inner = inner.get(step) if isinstance(inner, dict) else None
        yield inner


def equal(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        return NUMBER.fullmatch(text) is not None and float(text) == value
    return bool(value == text)


def compare(value: Any, op: str, bound: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    if NUMBER.fullmatch(bound):
        if not isinstance(value, str):
            return numbers(float(value), op, float(bound))
        if NUMBER.fullmatch(value):
            return numbers(float(value), op, float(bound))
    written = as_written(bound)
    if not isinstance(value, str):
        return False
    if written is not None:
        return re.match(r"[0-9]{4}-[0-9]{2}", value) is not None and texts(value, op, written)
    return NUMBER.fullmatch(bound) is None and texts(value, op, bound)


def numbers(value: float, op: str, bound: float) -> bool:
    return {">": value > bound, ">=": value >= bound, "<": value < bound, "<=": value <= bound}[op]


def texts(value: str, op: str, bound: str) -> bool:
    start = value[: len(bound)]
    return {">": start > bound, ">=": value >= bound, "<": value < bound, "<=": start <= bound}[op]


def span(text: str) -> tuple[datetime, datetime]:
    match = DATE.fullmatch(text)
    assert match
    year, month, day = (int(part) if part else 0 for part in match.groups())
    begin = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        return begin, begin + timedelta(days=1)
    if month:
        return begin, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return begin, datetime(year + 1, 1, 1, tzinfo=UTC)


def times(moment: datetime, op: str, bound: str) -> bool:
    begin, end = span(bound)
    return {">": moment >= end, ">=": moment >= begin, "<": moment < begin, "<=": moment < end}[op]


def dated(document: Document, op: str, bound: str) -> bool:
    own = document.metadata.get("date")
    if isinstance(own, str | int) and not isinstance(own, bool) and re.match(r"[0-9]{4}(-[0-9]{2}|\Z)", str(own)):
        return texts(str(own), op, as_written(bound) or "")
    return times(document.created_at, op, bound)


def holds(document: Document, condition: Condition) -> bool:
    return one(document, condition) is not condition.negated


def one(document: Document, condition: Condition) -> bool:
    field, op, values = condition.field, condition.op, condition.values
    if op == "..":
        pairs = [(sign, bound) for sign, bound in zip((">=", "<="), values, strict=True) if bound]
    else:
        pairs = [(op, values[0])] if values else []
    if field in ("created", "updated", "date"):
        compared = dated if field == "date" else lambda d, o, b: times(getattr(d, f"{field}_at"), o, b)
        if op in ("=", "in"):
            return any(compared(document, ">=", v) and compared(document, "<=", v) for v in values)
        return op == "exists" or all(compared(document, sign, bound) for sign, bound in pairs)
    if field == "tag" or field.startswith("metadata."):
        keys = ["tags", "tag"] if field == "tag" else [field.removeprefix("metadata.")]
        if op == "exists":
            return any(place not in (None, "", [], {}) for key in keys for place in places(document.metadata, key))
        found = [value for key in keys for value in elements(document.metadata, key)]
        return any(fits(value, op, values, pairs) for value in found)
    text = document.collection.slug if field == "collection" else getattr(document, field)
    if op == "exists":
        return bool(text != "")
    if op in ("=", "in"):
        return text in values
    return text.startswith(values[0]) if op == "prefix" else all(texts(text, sign, bound) for sign, bound in pairs)


def fits(value: Any, op: str, values: tuple[str, ...], pairs: list[tuple[str, str]]) -> bool:
    if op in ("=", "in"):
        return any(equal(value, text) for text in values)
    if op == "prefix":
        return isinstance(value, str) and value.startswith(values[0])
    return all(compare(value, sign, bound) for sign, bound in pairs)


# --- What is tried

TEXTS = ["a", "A", "b", "ba", "é", "ß", "x,y", 'q"q', "5", "5.0", "05", "-3", "true", "null", "[]", "2020", "2020-05",
         "2020-05-17", "2021-01-02T10:00:00Z", "20200", "a%", "a_b", "ab", "Z", "it's", "日本", " "]  # fmt: skip
BOUNDS = ["5", "5.0", "-3", "4.5", "2020", "2020-5", "2020-05", "2020-05-17", "a", "b", "ab", "Z", "é", "20"]
DAYS = ["2019", "2020", "2020-05", "2020-5-17", "2021-12-31", "2022-12"]
SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    5,
    5.0,
    -3,
    4.5,
    2020,
    20200,
    12345678901234,
    "",
    {"a": "b"},
    {},
    [],
    *TEXTS,
]

scalars = st.sampled_from(SCALARS)
metadata = st.dictionaries(
    st.sampled_from(["tags", "tag", "date", "n", "a", "a.b", "0"]),
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from(["b", "0"]), scalars, max_size=2),
    max_size=4,
)
moments = st.sampled_from([datetime(2020, 5, 17, tzinfo=UTC), datetime(2020, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
                           datetime(2020, 6, 1, tzinfo=UTC), datetime(2022, 12, 31, 12, tzinfo=UTC)])  # fmt: skip
documents = st.lists(
    st.fixed_dictionaries(
        {
            "metadata": metadata,
            "title": st.sampled_from(["", *TEXTS]),
            "url": st.sampled_from(["", "https://a/b", "https://a/c", "http://Z"]),
            "language": st.sampled_from(["", "en", "en-US", "de", "EN"]),
            "visibility": st.sampled_from(Document.Visibility.values),
            "created_at": moments,
            "updated_at": moments,
        }
    ),
    min_size=1,
    max_size=6,
)
plain_fields = st.sampled_from(["title", "url", "language", "tag", "collection", "metadata.n", "metadata.a",
                                "metadata.a.b", "metadata.0", "metadata.date", "metadata.it's"])  # fmt: skip
plain_values = st.sampled_from([*[text for text in TEXTS if text.strip()], "en", "de", "https://a", "docs"])
conditions = st.one_of(
    st.builds(Condition, plain_fields, st.just("="), st.tuples(plain_values), st.booleans()),
    st.builds(Condition, plain_fields, st.just("in"),
              st.lists(plain_values, min_size=2, max_size=3, unique=True).map(tuple), st.booleans()),
    st.builds(Condition, plain_fields, st.just("prefix"), st.tuples(plain_values), st.booleans()),
    st.builds(Condition, plain_fields, st.just("exists"), st.just(()), st.booleans()),
    st.builds(Condition, plain_fields, st.sampled_from([">", ">=", "<", "<="]),
              st.tuples(st.sampled_from(BOUNDS)), st.booleans()),
    st.builds(Condition, plain_fields, st.just(".."), st.tuples(st.sampled_from(["", *BOUNDS]),
              st.sampled_from(BOUNDS)), st.booleans()),
    st.builds(Condition, st.sampled_from(["created", "updated", "date"]), st.sampled_from([">", ">=", "<", "<=", "="]),
              st.tuples(st.sampled_from(DAYS)), st.booleans()),
    st.builds(Condition, st.sampled_from(["created", "date"]), st.just(".."), st.tuples(st.sampled_from(["", *DAYS]),
              st.sampled_from(DAYS)), st.booleans()),
    st.builds(Condition, st.just("visibility"), st.just("in"), st.just(("staff", "groups")), st.booleans()),
)  # fmt: skip


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
