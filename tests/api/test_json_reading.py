"""Reading what clients send: what is refused, and that one bad line stops no other."""

import io
import json

import pytest

from search.api.json_reading import MAX_DEPTH, Line, MalformedJson, decoded, list_items, ndjson_lines, parsed


def nested(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


def test_json_is_read() -> None:
    assert parsed('{"a": [1, 2.5, "x", null, true]}') == {"a": [1, 2.5, "x", None, True]}


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "nul", "[1,]", '{"a": 1} x', "\x00"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(MalformedJson, match="Malformed JSON"):
        parsed(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_numbers_that_no_answer_can_hold_are_refused(number: str) -> None:
    with pytest.raises(MalformedJson, match="numbers are not accepted"):
        parsed(f'{{"a": [{number}]}}')


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert json.dumps(parsed(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 500, 100_000])
def test_deeper_nesting_is_refused(levels: int) -> None:
    with pytest.raises(MalformedJson, match="nested deeper than 64 levels"):
        parsed(nested(levels))


def test_a_byte_order_mark_is_skipped() -> None:
    assert decoded(b"\xef\xbb\xbf{}") == "{}"


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(MalformedJson, match="byte 0xff at position 2"):
        decoded(b"ab\xff")


def read_lines(text: bytes, limit: int = 100) -> list[Line]:
    return list(ndjson_lines(io.BytesIO(text).read, max_line_bytes=limit))


def test_a_bad_line_stops_no_other() -> None:
    lines = read_lines(b'{"a": 1}\n{oops\n\n\xff\n{"a": 2}')

    assert [(line.number, line.value) for line in lines] == [(1, {"a": 1}), (2, None), (4, None), (5, {"a": 2})]
    assert [bool(line.error) for line in lines] == [False, True, True, False]


def test_lines_are_read_only_as_they_are_asked_for() -> None:
    stream = io.BytesIO(b"1\n" * 1_000_000)

    assert next(ndjson_lines(stream.read, max_line_bytes=100)) == Line(1, 1)
    assert stream.tell() < 1_000_000


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
def test_lines_are_the_same_however_the_bytes_come(size: int) -> None:
    stream = io.BytesIO(b'1\r\n"two"\n\n[3]\n4')

    lines = list(ndjson_lines(lambda _wanted: stream.read(size), max_line_bytes=100))

    assert [(line.number, line.value) for line in lines] == [(1, 1), (2, "two"), (4, [3]), (5, 4)]


def test_a_line_that_is_too_long_is_passed_over_without_being_held() -> None:
    long = b'"' + b"x" * 1_000_000 + b'"'

    lines = read_lines(b"1\n" + long + b"\n2\n" + long, limit=1_000)

    assert [(line.number, line.value, bool(line.error)) for line in lines] == [
        (1, 1, False), (2, None, True), (3, 2, False), (4, None, True),
    ]  # fmt: skip
    assert "1000 bytes" in lines[1].error


@pytest.mark.parametrize("text", ["[]", " [ ] ", "[\n]"])
def test_an_empty_list_has_no_items(text: str) -> None:
    assert list(list_items(text)) == []


def test_list_items_come_with_their_places() -> None:
    assert list(list_items(' [ {"a": 1} , 2,"x" ] ')) == [Line(1, {"a": 1}), Line(2, 2), Line(3, "x")]


@pytest.mark.parametrize("text", ['{"a": 1}', "7", "", "null"])
def test_what_is_no_list_is_refused_whole(text: str) -> None:
    with pytest.raises(MalformedJson, match="Expected a JSON list"):
        list_items(text)


@pytest.mark.parametrize("text", ["[1, 2, oops, 4]", "[1, 2", "[1, 2, ", "[1, 2 3]", "[1, 2] 3", "[1, 2]]"])
def test_a_list_is_read_up_to_where_it_breaks(text: str) -> None:
    lines = list(list_items(text))

    assert [line.value for line in lines if not line.error] == [1, 2]
    assert lines[-1].number == 3
    assert "From here on the list was not read" in lines[-1].error


def test_an_item_that_cannot_be_stored_stops_no_other() -> None:
    lines = list(list_items(f"[1e999, {nested(MAX_DEPTH + 1)}, 3]"))

    assert [bool(line.error) for line in lines] == [True, True, False]


def test_an_item_too_deep_to_be_read_ends_the_list() -> None:
    [line] = list_items(f"[{nested(100_000)}, 2]")

    assert "nested deeper" in line.error
