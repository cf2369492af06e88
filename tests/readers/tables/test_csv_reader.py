"""Rows of CSV and TSV as they come out of spreadsheets, databases and hands."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.readers.tables.csv_reader import CsvReader, TsvReader
from search.readers.tables.csv_rows import CsvRows
from search.readers.text.text_lines import Line
from tests.readers.contract import RowsContract


class TestCsvReader(RowsContract):
    name = "sample.csv"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return CsvReader(limits)

    def sample(self) -> bytes:
        return 'id,title,body\n1,Größe,"Two lines,\r\nand a ""quote"""\n\n2,Short\n'.encode()

    def expected(self) -> list[Mapping[str, Any]]:
        return [
            {"id": "1", "title": "Größe", "body": 'Two lines,\nand a "quote"'},
            {"id": "2", "title": "Short", "body": ""},
        ]

    def many(self, count: int) -> bytes:
        return b"id,title,body\n" + b"".join(f'{n},Größe {n},"A body, {"word " * 20}"\n'.encode() for n in range(count))

    def with_a_bad_row(self) -> tuple[bytes, int]:
        return b"id,body\n1,one\n2,two,three\n3,three\n", 1

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        return b"id,body\n1,one\n2," + b"x" * chars + b"\n3,three\n", 1


class TestTsvReader(TestCsvReader):
    name = "sample.tsv"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return TsvReader(limits)

    def sample(self) -> bytes:
        return b'id\ttitle\tbody\n1\tOne, two\t"A tab\there"\n2\tTwo\n'

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"id": "1", "title": "One, two", "body": "A tab\there"}, {"id": "2", "title": "Two", "body": ""}]

    def many(self, count: int) -> bytes:
        return super().many(count).replace(b",Gr", b"\tGr").replace(b',"', b'\t"').replace(b"id,title,", b"id\ttitle\t")

    def with_a_bad_row(self) -> tuple[bytes, int]:
        return super().with_a_bad_row()[0].replace(b",", b"\t"), 1

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        return super().with_a_long_row(chars)[0].replace(b",", b"\t"), 1


def read(content: bytes, limits: Limits | None = None) -> list[Record]:
    return list(CsvReader(limits).read(io.BytesIO(content), PurePosixPath("a.csv")))


def values(content: bytes) -> list[Mapping[str, Any]]:
    return [record.values for record in read(content)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    lines = ["id", "name", "note"], ["1", "Ann", "a; b, c"], ["2", "Bob", "d | e"]
    content = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    assert values(content.encode())[0] == {"id": "1", "name": "Ann", "note": "a; b, c"}


def test_a_separator_line_for_excel_is_taken_at_its_word() -> None:
    assert values(b"sep=;\nid;a,b\n1;x,y\n") == [{"id": "1", "a,b": "x,y"}]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "iso8859-1"]
)
def test_western_texts_are_read_in_every_encoding_they_come_in(encoding: str) -> None:
    content = "id,name\r\n1,Käthe Müller geht über die Brücke\r\n2,Le garçon a mangé à l'école\r\n"
    assert [row["name"] for row in values(content.encode(encoding))] == [
        "Käthe Müller geht über die Brücke",
        "Le garçon a mangé à l'école",
    ]


def test_letters_outside_ascii_that_come_late_still_tell_the_encoding() -> None:
    content = b"id,name\n" + b"1,Smith\n" * 20_000 + "2,Müller hört Gänse\n".encode("cp1252")
    assert read(content)[-1].values == {"id": "2", "name": "Müller hört Gänse"}


def test_a_stray_byte_in_utf8_fails_its_row_and_shows_where() -> None:
    content = "id,name\n1,Größe und Maß für Öfen\n2,caf\0é\n3,schön\n".encode().replace(b"\0\xc3\xa9", b"\xe9")
    found = read(content)
    assert [record.error for record in found] == [
        "",
        "Its character 6 (byte 0xE9) is not valid in UTF-8, the encoding of this file.",
        "",
    ]
    assert found[1].original == "2,caf\ufffd"


def test_rows_in_another_encoding_than_the_others_are_counted() -> None:
    rows = "1,Größe und Maß für Öfen\n"
    content = b"id,name\n" + rows.encode("cp1252") * 5 + rows.encode() * 2
    reader = CsvReader()
    list(reader.read(io.BytesIO(content), PurePosixPath("a.csv")))
    assert reader.notes.encoding == "cp1252"
    assert reader.notes.like_utf8 == 2


def test_the_encoding_that_is_told_is_used() -> None:
    reader = CsvReader(encoding="cp1251")
    [record] = reader.read(io.BytesIO("id,name\n1,Мир\n".encode("cp1251")), PurePosixPath("a.csv"))
    assert record.values["name"] == "Мир"


def test_a_quote_that_is_never_closed_fails_its_line_only() -> None:
    found = read(b'id,body\n1,one\n2,"two\n3,three\n4,"four"\n')
    assert [(record.number, record.error) for record in found] == [
        (2, ""),
        (3, "A quote opens in this line and is never closed."),
        (4, ""),
        (5, ""),
    ]
    assert found[1].original == '2,"two'
    assert found[3].values == {"id": "4", "body": "four"}


def test_a_quote_that_stays_open_for_longer_than_a_row_may_be_fails_its_line_only() -> None:
    limits = Limits(row_bytes=100_000)
    found = read(b'id,body\n1,"open\n' + b"2,plain\n" * 30_000, limits)
    assert found[0].error == "A quote opens in this line and is never closed within 12,500 lines."
    assert len(found) == 30_001
    assert not any(record.error for record in found[1:])


class Watched(str):
    """A line that counts how often it is searched."""

    __slots__ = ()
    searched = 0

    def find(self, *args: Any) -> int:
        Watched.searched += 1
        return super().find(*args)


def test_many_open_quotes_do_not_make_reading_quadratic() -> None:
    lines = (Line(number, Watched('a",",')) for number in range(1, 5_001))
    rows = list(CsvRows(lines, Limits(row_bytes=1 << 16)))
    assert [bool(row.error) for row in rows] == [True] * 5_000
    assert Watched.searched < 300 * 5_000


def test_numbers_are_those_of_the_lines_in_the_file() -> None:
    found = read(b'id,body\n\n1,"a\nb\n\nc"\n2,d\r\n\r\n3,e\r4,f\n')
    assert [(record.number, record.values["id"]) for record in found] == [(3, "1"), (7, "2"), (9, "3"), (10, "4")]
    assert found[0].original == '1,"a\nb\n\nc"'


def test_a_row_with_more_cells_than_the_header_names_says_how_many() -> None:
    [bad] = read(b"a,b\n1,2,3,4\n")
    assert bad.error == "It has 4 cells, but the header names 2 columns."
    assert bad.original == "1,2,3,4"


def test_blank_cells_at_the_end_are_neither_missed_nor_too_many() -> None:
    assert values(b"a,b\n1\n1,2,,\n") == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]


def test_columns_without_a_name_or_with_a_taken_one_get_a_clear_one() -> None:
    assert values(b"name,,name\n1,2,3\n") == [{"name": "1", "column 2": "2", "name (2)": "3"}]


def test_a_quote_within_a_quoted_cell_that_is_not_doubled_is_explained() -> None:
    found = read(b'id,body\n1,"say "hi" to all"\n2,b\n')
    assert "must be doubled" in found[0].error
    assert found[1].values == {"id": "2", "body": "b"}


def test_quotes_in_the_middle_of_a_cell_are_a_part_of_it() -> None:
    assert values(b'id,body\n1,5" disk\n') == [{"id": "1", "body": '5" disk'}]


def test_spaces_before_opening_quotes_do_not_hide_them() -> None:
    assert values(b'"id", "body"\n"1", "a, b"\n') == [{"id": "1", "body": "a, b"}]


def test_a_column_alone_needs_no_delimiter() -> None:
    assert values(b"body\nerste Zeile\nzweite, mit Komma\n")[0] == {"body": "erste Zeile"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b",".join(b"c" for _ in range(1_000_000)) + b"\n1\n", "1,000,000 columns; 1,000 is the most"),
        (b"x" * 300 + b"\nrow\n", "must name the columns"),
        (b"a,b\n", "no row below it"),
        (b'a,"b\n1,2\n', "never closed"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0", "not a text"),
    ],
    ids=["a million columns", "a header that is a text", "a header alone", "an open quote in the header", "a program"],
)
def test_a_file_without_usable_columns_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(content)


def test_a_header_longer_than_a_row_may_be_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="longer than the 1,000 bytes"):
        read(b"abc," * 1_000 + b"\n1\n", Limits(row_bytes=1_000))


def test_nul_and_its_like_become_something_that_can_be_stored() -> None:
    assert values(b"id,body\n1,a\0b and some more text\n") == [{"id": "1", "body": "a b and some more text"}]
