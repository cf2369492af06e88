"""Workbooks as Excel writes them, and as nobody should."""

import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.readers.tables.xlsx_reader import XlsxReader
from tests.readers.contract import RowsContract, assert_is_contained, damaged

SHEET = "xl/worksheets/sheet1.xml"


class TestXlsxReader(RowsContract):
    name = "sample.xlsx"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return XlsxReader(limits)

    def sample(self) -> bytes:
        return workbook({"Sheet": [["id", "title", "n"], [1, "Größe", 1.5], [], [2, "a\nb", None]]})

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"id": 1, "title": "Größe", "n": 1.5}, {"id": 2, "title": "a\nb", "n": ""}]

    def many(self, count: int) -> bytes:
        rows = "".join(f"<row><c><v>{n}</v></c><c t='str'><v>{'ab' * (n % 50)}</v></c></row>" for n in range(count))
        return with_sheet(
            f"<sheetData><row><c t='str'><v>id</v></c><c t='str'><v>b</v></c></row>{rows}</sheetData>",
            packing=zipfile.ZIP_STORED,
        )

    def with_a_bad_row(self) -> tuple[bytes, int]:
        rows = "".join(f"<row><c t='{kind}'><v>1</v></c></row>" for kind in ("n", "s", "n"))
        return with_sheet(f"<sheetData><row><c t='str'><v>id</v></c></row>{rows}</sheetData>"), 1

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        return workbook({"Sheet": [["id"], ["a"], ["x" * chars], ["b"]]}), 1


def workbook(sheets: Mapping[str, list[list[Any]]]) -> bytes:
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_part(content: bytes, name: str, part: bytes, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return the workbook with one part of it replaced or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", packing) as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, part)
    return file.getvalue()


def with_sheet(xml: str, before: str = "", packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return with_part(
        workbook({"Sheet": [["a"]]}), SHEET, f'{before}<worksheet xmlns="{space}">{xml}</worksheet>'.encode(), packing
    )


def read(content: bytes, limits: Limits | None = None) -> list[Record]:
    return list(XlsxReader(limits).read(io.BytesIO(content), PurePosixPath("a.xlsx")))


def test_dates_numbers_and_truths_come_as_json_has_them() -> None:
    cells = [date(2024, 5, 1), datetime.fromisoformat("2024-05-01T13:30"), time(8, 15), 3, 2.5, True]
    [record] = read(workbook({"Sheet": [list("abcdef"), cells]}))
    assert list(record.values.values()) == ["2024-05-01", "2024-05-01T13:30:00", "08:15:00", 3, 2.5, True]


def test_hidden_sheets_are_named_and_not_read() -> None:
    book = load_workbook(io.BytesIO(workbook({"Cats": [["id"], [1]], "Lists": [["x"], [2]], "Old": [["y"], [3]]})))
    book["Lists"].sheet_state, book["Old"].sheet_state = "hidden", "veryHidden"
    content = io.BytesIO()
    book.save(content)
    reader = XlsxReader()
    [record] = reader.read(content, PurePosixPath("a.xlsx"))
    assert record.values == {"id": 1}
    assert reader.notes.told().warnings == (
        "The sheet “Lists” is hidden and was not read.", "The sheet “Old” is hidden and was not read.",
    )  # fmt: skip


def test_a_row_says_its_sheet_and_its_row_there() -> None:
    several = read(workbook({"Cats": [["id"], [1], [2]], "Dogs": [["id"], [3], [4]]}))
    assert [record.place for record in several] == [
        "sheet “Cats”, row 2", "sheet “Cats”, row 3", "sheet “Dogs”, row 2", "sheet “Dogs”, row 3",
    ]  # fmt: skip
    assert len({record.number for record in several}) == 4
    assert [record.place for record in read(workbook({"Cats": [["id"], [1]]}))] == [""]


def test_rows_of_several_sheets_follow_each_other_and_name_their_sheet() -> None:
    found = read(workbook({"Cats": [["id"], [1]], "Empty": [], "Dogs": [["x", "sheet"], [2, 3], [4, 5]]}))
    assert [record.values for record in found] == [
        {"id": 1, "sheet": "Cats"},
        {"x": 2, "sheet": 3, "sheet (2)": "Dogs"},
        {"x": 4, "sheet": 5, "sheet (2)": "Dogs"},
    ]
    assert [record.number for record in found] == [2, 4, 5]


def test_a_formula_gives_the_value_that_was_calculated() -> None:
    row = "<row><c><f>1+1</f><v>2</v></c></row>"
    assert read(with_sheet(f"<sheetData><row><c t='str'><v>n</v></c></row>{row}</sheetData>"))[0].values == {"n": 2}


def test_a_value_beyond_the_header_is_not_lost() -> None:
    assert read(workbook({"Sheet": [["id"], [1, None, "note"]]}))[0].values == {
        "id": 1,
        "column 2": "",
        "column 3": "note",
    }


def test_a_row_is_shown_as_csv() -> None:
    assert read(workbook({"Sheet": [["id", "b"], [1, 'x, "y"']]}))[0].original == '1,"x, ""y"""'


def test_sizes_and_numbers_that_lie_are_not_believed() -> None:
    rows = ['<row r="1"><c t="str"><v>id</v></c></row>', "<row r='999999999'><c><v>1</v></c></row>"]
    rows.append('<row r="2"><c><v>2</v></c></row>')
    found = read(with_sheet(f'<dimension ref="A1:XFD1048576"/><sheetData>{"".join(rows)}</sheetData>'))
    assert [(record.number, record.values) for record in found] == [(2, {"id": 1}), (3, {"id": 2})]


def test_a_cell_in_a_column_that_no_table_has_fails_its_row() -> None:
    rows = [f'<row><c r="{place}"><v>1</v></c></row>' for place in ("A1", "XFD2", "A3")]
    found = read(with_sheet(f"<sheetData>{''.join(rows)}</sheetData>"))
    assert [record.error for record in found] == ["It has a value in column 16,384; 1,000 columns is the most.", ""]


def test_a_cell_that_cannot_be_read_is_named() -> None:
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2" t="s"><v>77</v></c></row>'
    assert "cell A2 cannot be read" in read(with_sheet(f"<sheetData>{cells}</sheetData>"))[0].error


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_sheet("<sheetData>&e9;</sheetData>", f"<!DOCTYPE w [{ENTITIES}]>"), "entities of its own"),
        (
            with_sheet("<sheetData>&x;</sheetData>", '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "entities of its own",
        ),
        (with_sheet("<sheetData>" + " " * 30_000_000 + "</sheetData>"), "times its size"),
        (with_part(workbook({"S": [["a"]]}), "xl/styles.xml", b"<styleSheet>"), "damaged"),
        (workbook({"Sheet": [["a", "b"]]}), "No visible sheet of this workbook has rows"),
        (b"PK\x03\x04 and nothing that follows", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
    ],
    ids=[
        "a billion laughs",
        "an external entity",
        "a bomb",
        "broken styles",
        "a header alone",
        "half a file",
        "locked",
    ],
)
def test_a_workbook_that_is_broken_or_means_harm_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(content)


def test_texts_that_memory_cannot_hold_are_refused() -> None:
    with pytest.raises(UnreadableFile, match="Save its sheets as CSV"):
        read(workbook({"Sheet": [["a"], ["b"]]}), Limits(memory_bytes=4_000))


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_damage_inside_the_parts_of_a_workbook_ends_in_rows_or_a_reason() -> None:
    sound = workbook({"One": [["id", "when"], [1, date(2024, 5, 1)], [2, "x"]], "Two": [["id"], [3]]})
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not name.startswith("docProps")}
    for name, part in parts.items():
        for content in damaged(part, 12):
            assert_is_contained(TestXlsxReader(), with_part(sound, name, content, zipfile.ZIP_STORED))
