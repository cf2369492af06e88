"""The documented meaning of filters in plain Python, over values in memory: what SQL and facets are held against."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from search.models import Document
from search.retrieval.filtering.filters import Condition

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
    inside = {7: "-", 10: "T "}.get(len(text), "") if re.fullmatch("[0-9]{4}-[0-9]{2}(-[0-9]{2})?", text) else ""
    longer = isinstance(value, str) and value.startswith(text) and value[len(text) : len(text) + 1] in set(inside)
    return bool(value == text or longer)


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
    for own in (document.metadata.get("date"), document.metadata.get("published")):
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


# --- Documents to try it on

TEXTS = ["a", "A", "b", "ba", "é", "ß", "x,y", 'q"q', "5", "5.0", "05", "-3", "true", "null", "[]", "2020", "2020-05",
         "2020-05-17", "2021-01-02T10:00:00Z", "20200", "a%", "a_b", "ab", "Z", "it's", "日本", " "]  # fmt: skip
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
    st.sampled_from(["tags", "tag", "date", "published", "n", "a", "a.b", "0"]),
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

# --- Conditions to try

BOUNDS = ["5", "5.0", "-3", "4.5", "2020", "2020-5", "2020-05", "2020-05-17", "a", "b", "ab", "Z", "é", "20"]
DAYS = ["2019", "2020", "2020-05", "2020-5-17", "2021-12-31", "2022-12"]
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
