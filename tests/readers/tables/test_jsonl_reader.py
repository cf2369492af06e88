"""One JSON object in each line, and what is not one."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, Reader, Record
from search.readers.tables.jsonl_reader import JsonlReader
from tests.readers.contract import CountingFile, RowsContract


class TestJsonlReader(RowsContract):
    name = "sample.jsonl"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return JsonlReader(limits)

    def sample(self) -> bytes:
        first = '\ufeff{"id": 1, "body": "Größe", "tags": ["a", null]}\n\n'
        return first.encode() + rb'{"id": "2", "body": "x\u0000y\ud800"}' + b"\n"

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"id": 1, "body": "Größe", "tags": ["a", None]}, {"id": "2", "body": "x y\ufffd"}]

    def many(self, count: int) -> bytes:
        return b"".join(f'{{"id": {n}, "body": "Größe {"word " * 20}"}}\n'.encode() for n in range(count))

    def with_a_bad_row(self) -> tuple[bytes, int]:
        return b'{"id": 1}\n{"id": 2,}\n{"id": 3}\n', 1

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        return b'{"id": 1}\n{"id": "' + b"x" * chars + b'"}\n{"id": 3}\n', 1


def read(content: bytes, limits: Limits | None = None) -> list[Record]:
    return list(JsonlReader(limits).read(io.BytesIO(content), PurePosixPath("a.jsonl")))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": 1, "a": 2}', "The key “a” is in it twice."),
        ('{"b": {"a": 1, "a": 2}}', "The key “a” is in it twice."),
        ('{"a": NaN}', "It holds NaN, which is not a JSON value. Use null or leave it out."),
        ('{"a": -Infinity}', "It holds -Infinity, which is not a JSON value. Use null or leave it out."),
        ('{"a": 1e999}', "The number 1e999 is too large."),
        ('{"a": ' + "9" * 5_000 + "}", "A number in it has too many digits."),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "It is nested more than 50 levels deep."),
        ("[" * 100_000 + "]" * 100_000, "It is nested more than 50 levels deep."),
        ('{"a": ' * 100_000, "It is nested more than 50 levels deep."),
        ("[1]", "It is a list; each document must be an object, written in { }."),
        ("null", "It is null; each document must be an object, written in { }."),
        ("{}", "It is an object with nothing in it."),
        ('{"": 1}', "A key in it is empty."),
        ('{"a": 1', "It is not valid JSON at character 8: Expecting ',' delimiter."),
        ("{'a': 1}", "It is not valid JSON at character 2: Expecting property name enclosed in double quotes."),
    ],
    ids=lambda value: value[:20],
)
def test_a_line_that_is_no_object_fails_alone_with_its_reason(line: str, reason: str) -> None:
    good, bad, after = read(f'{{"a": "ä"}}\n{line}\n{{"a": 3}}\n'.encode())
    assert (bad.number, bad.error) == (2, reason)
    assert bad.original == line.strip()
    assert (good.values, after.values) == ({"a": "ä"}, {"a": 3})


def test_depth_up_to_the_limit_is_kept() -> None:
    [record] = read(('{"a": ' + "[" * 48 + "]" * 48 + "}").encode())
    assert not record.error


def test_a_line_far_above_the_limit_fails_without_being_held() -> None:
    file = CountingFile(b'{"a": "' + b"x" * (8 << 20) + b'"}\n{"a": "b"}\n')
    reader = JsonlReader(Limits(row_bytes=1 << 16))
    bad, good = reader.read(file, PurePosixPath("a.jsonl"))
    assert bad.error == "It is longer than the 65,536 bytes that one row may have."
    assert len(bad.original) < 2_000
    assert good.values == {"a": "b"}
    assert good.number == 2


def test_a_line_with_a_byte_that_is_not_utf8_fails_alone() -> None:
    bad, good = read(
        '{"a": "\xe9"}\n'.encode("latin-1") + '{"a": "größer, schöner, öfter, üblich, ähnlich"}\n'.encode()
    )
    assert bad.error == "Its character 8 (byte 0xE9) is not valid in UTF-8, the encoding of this file."
    assert not good.error


def test_more_keys_than_columns_may_be_are_an_error() -> None:
    [bad] = read(b'{"a": 1, "b": 2, "c": 3}\n', Limits(columns=2))
    assert bad.error == "It has 3 values; 2 is the most."


def test_line_separators_within_a_text_end_no_line() -> None:
    [record] = read('{"a": "x\u2028y\x85z"}\n'.encode())
    assert record.values == {"a": "x\u2028y\x85z"}
