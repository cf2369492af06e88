"""Columns become fields: as their names suggest, or as somebody says."""

from typing import Any

import pytest

from search.ingestion.mapping import BadMapping, Mapped, apply, check, guess


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["id", "title", "text"], {"id": "external_id", "title": "title", "text": "body"}),
        (["_id", "title", "text"], {"_id": "external_id", "title": "title", "text": "body"}),
        (["SKU", "Name", "Description"], {"SKU": "external_id", "Name": "title", "Description": "body"}),
        (["Titel", "Inhalt", "Sprache"], {"Titel": "title", "Inhalt": "body", "Sprache": "language"}),
        (["id", "external_id"], {"id": "metadata.id", "external_id": "external_id"}),
        (["text", "body"], {"text": "metadata.text", "body": "body"}),
        (["price", "meta"], {"price": "metadata.price", "meta": "metadata"}),
        (["metadata.team"], {"metadata.team": "metadata.team"}),
        (["title", "_reason", "_line"], {"title": "title", "_reason": "", "_line": ""}),
    ],
)
def test_names_suggest_fields(columns: list[str], expected: dict[str, str]) -> None:
    assert guess(columns) == expected


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"a": "author"}, "'author'; known fields: external_id, title"),
        ({"a": "metadata."}, "metadata.<name>"),
        ({"a": "title", "b": "title"}, "'a' and 'b' are both mapped to 'title'"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(BadMapping, match=message):
        check(mapping)


def test_several_columns_may_make_the_body() -> None:
    mapping = {"a": "body", "b": "body", "c": "body"}

    check(mapping)
    mapped = apply(mapping, {"a": "first", "b": "", "c": "last"}, key_column="", fallback_id="x#1")

    assert mapped == Mapped("x#1", {"body": "first\n\nlast"})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": 7, "title": "T"}, Mapped("7", {"title": "T"})),
        ({"title": None, "text": ""}, Mapped("f#1", {"title": "", "body": ""})),
        ({"title": "T", "lang": "", "state": None}, Mapped("f#1", {"title": "T"})),
        ({"price": 3.5, "tags": ["a"]}, Mapped("f#1", {"metadata": {"price": 3.5, "tags": ["a"]}})),
        ({"title": "T", "price": ""}, Mapped("f#1", {"title": "T"})),
        ({"metadata": '{"a": null}', "price": 1}, Mapped("f#1", {"metadata": {"a": None, "price": 1}})),
        ({"title": "T", "groups": "red, blue,red"}, Mapped("f#1", {"title": "T"}, ("red", "blue"))),
    ],
)  # fmt: skip
def test_a_row_becomes_fields(row: dict[str, Any], expected: Mapped) -> None:
    assert apply({}, row, key_column="", fallback_id="f#1") == expected


def test_a_key_column_identifies_and_is_kept_as_what_it_is_mapped_to() -> None:
    mapped = apply({}, {"number": 12, "title": "T"}, key_column="number", fallback_id="f#1")

    assert mapped == Mapped("12", {"title": "T", "metadata": {"number": 12}})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"title": ["a"]}, "Column 'title' holds a list; a text is needed"),
        ({"metadata": "[1]"}, "Column 'metadata' holds a list; metadata must be a JSON object"),
        ({"metadata": "words"}, "metadata must be a JSON object"),
        ({"groups": [1]}, "a list of group names is needed"),
    ],
)
def test_a_value_of_the_wrong_kind_names_its_column(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply({}, row, key_column="", fallback_id="f#1")
