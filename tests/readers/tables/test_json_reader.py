"""Lists of objects in JSON, where they stand in the file, and what is broken in them."""

import io
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.readers.tables.json_reader import JsonReader
from tests.readers.contract import RowsContract


class TestJsonReader(RowsContract):
    name = "sample.json"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return JsonReader(limits)

    def sample(self) -> bytes:
        return '[\n {"id": 1, "body": "Gr\\u00f6\\"ße, [x] {y}"},\n {"id": "2", "n": [1.5, {"a": null}]}\n]\n'.encode()

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"id": 1, "body": 'Grö"ße, [x] {y}'}, {"id": "2", "n": [1.5, {"a": None}]}]

    def many(self, count: int) -> bytes:
        return json.dumps(
            [{"id": n, "body": "Größe " + "word " * 20} for n in range(count)], ensure_ascii=False
        ).encode()

    def with_a_bad_row(self) -> tuple[bytes, int]:
        return b'[{"id": 1}, {"id": 2, "id": 3}, {"id": 4}]', 1

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        return b'[{"id": 1}, {"id": "' + b"x" * chars + b'"}, {"id": 4}]', 1


def read(content: bytes, limits: Limits | None = None) -> list[Record]:
    return list(JsonReader(limits).read(io.BytesIO(content), PurePosixPath("a.json")))


def values(content: bytes, limits: Limits | None = None) -> list[Mapping[str, Any]]:
    return [record.values for record in read(content, limits)]


@pytest.mark.parametrize(
    "content",
    [
        b'{"documents": [{"a": 1}, {"a": 2}]}',
        b'{"total": 2, "took": [1, 2], "whatever": [{"a": 1}, {"a": 2}], "next": null}',
        b'{"facets": [{"name": "x"}], "items": [{"a": 1}, {"a": 2}]}',
        b'\xef\xbb\xbf [{"a": 1}\n,\n{"a": 2}] ',
    ],
    ids=["documents", "the only list of objects", "a list by its name", "with a mark"],
)
def test_the_list_of_objects_is_found(content: bytes) -> None:
    assert values(content) == [{"a": 1}, {"a": 2}]


def test_an_object_with_a_text_is_itself_the_document() -> None:
    content = b'{"title": "T", "body": "B", "authors": [{"name": "A"}]}'
    assert values(content) == [{"title": "T", "body": "B", "authors": [{"name": "A"}]}]


def test_several_lists_that_could_be_meant_are_refused_by_name() -> None:
    with pytest.raises(UnreadableFile, match="“cats”, “dogs”"):
        read(b'{"cats": [{"a": 1}], "dogs": [{"a": 2}]}')


def test_a_file_larger_than_a_document_is_read_from_its_first_list_and_says_what_it_left() -> None:
    rows = [{"a": "x" * 50} for _ in range(50)]
    content = json.dumps({"n": [1, [2]], "none": [], "rows": rows, "others": [{"b": 1}]}).encode()
    found = read(content, Limits(row_bytes=500))
    assert [record.values for record in found[:-1]] == rows
    assert found[-1].error == "There is another list of objects, “others”. It was not read."


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b'[{"a": 1}, 7, {"a": 2}]', ["", "It is a number; each document must be an object", ""]),
        (b'[{"a": 1}, {"a": NaN}, {"a": 2}]', ["", "It holds NaN", ""]),
        (b'[{"a": 1}, {a: 2}, {"a": 2}]', ["", "It is not valid JSON at character 2", ""]),
        (b'[{"a": 1} {"a": 2}, {"a": 2}]', ["It is not valid JSON at character 10: Extra data", ""]),
        (b'[{"a": 1}, , {"a": 2}]', ["", "It is not valid JSON", ""]),
        (b'[{"a": 1}, {"a": "b', ["", "The file ends in the middle"]),
        (b'[{"a": 1}, {"a": 2}', ["", "", "The file ends in the middle"]),
        (b'[{"a": 1}, {"a": "\\', ["", "The file ends in the middle"]),
        (b'{"rows": [{"a": 1}, {"a": {]}, {"a": 2}]}', ["", "It is not valid JSON", ""]),
    ],
)
def test_what_is_broken_in_a_list_fails_alone(content: bytes, errors: list[str]) -> None:
    found = read(content)
    assert [record.error[: len(error)] for record, error in zip(found, errors, strict=True)] == errors
    assert [record.number for record in found] == list(range(1, len(found) + 1))


def test_an_element_keeps_how_it_was_written() -> None:
    found = read(b'[ {"a" : 1e2 },\n{"b":\t[ ]} ]')
    assert [record.original for record in found] == ['{"a" : 1e2 }', '{"b":\t[ ]}']


@pytest.mark.parametrize("piece", [65_533, 65_534, 65_535, 65_536, 65_537])
def test_escapes_and_quotes_at_the_edge_of_a_piece_are_read_as_anywhere(piece: int) -> None:
    text = "x" * (piece - len('[{"a": "')) + '\\"' * 3 + "\\\\"
    assert values(f'[{{"a": "{text}"}}, {{"a": "ä"}}]'.encode())[1] == {"a": "ä"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "The list in it is empty."),
        (b'"text"', "must be a list of objects"),
        (b"<html></html>", "must be a list of objects"),
        (b"7", "must be a list of objects"),
    ],
)
def test_json_without_objects_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(content)


def test_nesting_without_end_is_one_failed_row() -> None:
    [bad] = read(b"[" + b"[" * 1_000_000)
    assert bad.error == "The file ends in the middle: the end of it is missing."
    [deep] = read(b"[" + b"[" * 500_000 + b"]" * 500_000 + b"]")
    assert deep.error == "It is nested more than 50 levels deep."
