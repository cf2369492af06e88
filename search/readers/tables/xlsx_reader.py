"""XLSX: the first row of each sheet names its columns; the rows below it, of all visible sheets, are the records.

Sheets that are hidden hold what nobody sees, such as lists for a form's choices: they are named, and not read.

Cells come one at a time out of the packed sheet, so that memory does not grow with the rows, and what a sheet says of
its own size is never asked for. Formulas give the value that was calculated last.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import isfinite
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO

from search.readers.archives.packed_files import packed_file
from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.readers.documents.whole_document import words_of
from search.readers.text.markdown_text import one_line, plain_lines
from search.storable import storable

from .rows import column_names, different, failed, refuse_too_large, row, too_long

_KIND = "workbook"
_SHEETS = "xl/worksheets/"
_ROWS = 1_048_576  # of a sheet; a number above that is a lie
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DATA, _ROW, _CELL = (_NAMESPACE + tag for tag in ("sheetData", "row", "c"))


class XlsxReader(Reader):
    """Rows of a workbook. With several sheets, `sheet` names that of a row, and numbers go on counting: see `place`."""

    format = "xlsx"
    extensions = (".xlsx", ".xlsm")
    tabular = True

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        refuse_too_large(file, self.limits)
        if not file.read(1):
            raise UnreadableFile("There is nothing in this file.")
        file.seek(0)
        streamed = replace(self.limits, memory_bytes=2 * self.limits.unpacked_bytes)  # a sheet is never held whole
        with packed_file(file, _KIND, streamed) as archive:
            _refuse_large_parts(archive, self.limits)
            workbook = _Workbook(file)
            self.notes.remarks += [f"The sheet “{name[:100]}” is hidden and was not read." for name in workbook.hidden]
            yield from self._sheets(workbook)

    def _sheets(self, workbook: "_Workbook") -> Iterator[Record]:
        last = 0
        for title, part in workbook.sheets:
            name = title if len(workbook.sheets) > 1 else ""
            before = last
            for record in self._records(workbook.rows(title, part, self.limits), name, before):
                last = record.number
                place = f"sheet “{name[:100]}”, row {last - before:,}" if name else ""
                yield replace(record, place=place) if place else record
        if not last:
            raise UnreadableFile("No visible sheet of this workbook has rows below a row with the names of columns.")

    def _records(self, rows: "Iterator[_Row]", sheet: str, before: int) -> Iterator[Record]:
        names: list[str] = []
        for line in rows:
            original = _as_csv(line.cells)
            if line.error:
                yield failed(before + line.number, original, line.error, self.limits)
            elif line.chars > self.limits.row_bytes:
                yield too_long(before + line.number, original, self.limits)
            elif not names:
                names = _header(line, sheet, self.limits)
            else:
                names.extend(_more_names(names, line))
                values = {name: line.cells.get(column, "") for column, name in enumerate(names, 1)}
                values |= {different("sheet", names): sheet} if sheet else {}
                yield row(before + line.number, values, original, self.limits)


@dataclass(slots=True)
class _Row:
    """A row with something in it: values by column, from 1, as JSON has them."""

    number: int
    cells: dict[int, Any] = field(default_factory=dict)
    chars: int = 0
    error: str = ""

    def add(self, cell: dict[str, Any], limits: Limits) -> None:
        value, column = _plain(cell["value"]), cell["column"]
        if value in (None, ""):
            return
        if column > limits.columns:
            self.error = f"It has a value in column {column:,}; {limits.columns:,} columns is the most."
            return
        self.chars += len(value) if isinstance(value, str) else 20
        if self.chars <= limits.row_bytes:
            self.cells[column] = value


class _Workbook:
    """The sheets of a file that openpyxl understands. Raises UnreadableFile."""

    def __init__(self, file: BinaryIO) -> None:
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet

        try:
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            reader.read_manifest()
            reader.read_strings()
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
            parts = set(reader.archive.namelist())
            sheets = [(one_line(sheet.name), rel.target, sheet.state) for sheet, rel in reader.parser.find_sheets()]
        except MemoryError:
            raise
        except Exception as error:  # openpyxl raises anything on broken input
            raise UnreadableFile(f"This {_KIND} is damaged and cannot be read: {_words(error)}.") from error
        found = [sheet for sheet in sheets if sheet[1] in parts and sheet[1].startswith(_SHEETS)]
        self.sheets = [(name, part) for name, part, state in found if state == "visible"]
        self.hidden = [name for name, _, state in found if state != "visible"]
        self._reader = reader

    def rows(self, title: str, part: str, limits: Limits) -> "Iterator[_Row]":
        """Yield the rows of a sheet that are not blank, with ascending numbers."""
        number = 0
        try:
            with closing(self._reader.archive.open(part)) as stream:
                for found in self._parsed(stream, limits):
                    number = found.number
                    if found.cells or found.error or found.chars:
                        yield found
        except (UnreadableFile, MemoryError):
            raise
        except Exception as error:
            place = f"behind row {number:,}" if number else "from its beginning"
            raise UnreadableFile(f"The sheet “{title[:100]}” is damaged {place}: {_words(error)}.") from error

    def _parsed(self, stream: IO[bytes], limits: Limits) -> "Iterator[_Row]":
        from defusedxml.ElementTree import iterparse

        parser = self._parser(stream)
        current, data = _Row(0), None
        for event, element in iterparse(stream, events=("start", "end")):
            if event == "start" and element.tag == _DATA:
                data = element
            elif event == "start" and element.tag == _ROW:
                current = _Row(_number(element.get("r"), current.number + 1))
                parser.row_counter, parser.col_counter = current.number, 0
            elif event == "end" and element.tag == _CELL:
                _add(current, parser, element, limits)
                element.clear()
            elif event == "end" and element.tag == _ROW:
                yield current
                if data is not None:
                    data.clear()  # else each row leaves a little behind

    def _parser(self, stream: IO[bytes]) -> Any:
        from openpyxl.worksheet._reader import WorkSheetParser

        book: Any = self._reader.wb
        return WorkSheetParser(
            stream,
            self._reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )


def _add(current: _Row, parser: Any, element: Any, limits: Limits) -> None:
    try:
        current.add(parser.parse_cell(element), limits)
    except (ValueError, LookupError, TypeError, OverflowError, AttributeError) as error:
        place = one_line(str(element.get("r", "")))[:20]
        current.error = f"Its cell {place} cannot be read: {words_of(error)}."
        value = "".join(element.itertext())[: limits.row_bytes]
        current.cells[min(max(parser.col_counter, 1), limits.columns)] = value  # to be shown


def _refuse_large_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Raise UnreadableFile when what is held in memory, which is all but the sheets, is too much for it."""
    held = sum(entry.file_size for entry in archive.infolist() if not entry.filename.startswith(_SHEETS))
    media = sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith("xl/media/"))
    most = limits.memory_bytes // 4
    if held - media > most:
        raise UnreadableFile(
            f"The texts and styles of this {_KIND} take {held - media:,} bytes; {most:,} is the most. "
            "Save its sheets as CSV and import those."
        )


def _header(line: _Row, sheet: str, limits: Limits) -> list[str]:
    try:
        return column_names([str(line.cells.get(column, "")) for column in range(1, max(line.cells) + 1)], limits)
    except UnreadableFile as error:
        raise UnreadableFile(f"In the sheet “{sheet}”: {error}" if sheet else str(error)) from error


def _more_names(names: list[str], line: _Row) -> list[str]:
    """Return names for the columns that a row has beyond the header, so that nothing in them is lost."""
    more: list[str] = []
    for column in range(len(names) + 1, max(line.cells, default=0) + 1):
        more.append(different(f"column {column}", names + more))
    return more


def _words(error: Exception) -> str:
    from defusedxml import DefusedXmlException

    if isinstance(error, DefusedXmlException):
        return "it declares entities of its own, as no spreadsheet program does"
    return words_of(error)


def _number(stated: str | None, least: int) -> int:
    number = int(stated) if stated and stated.isascii() and stated.isdigit() and len(stated) < 10 else 0
    return number if least <= number <= _ROWS else least


def _plain(value: Any) -> Any:
    """Return a cell's value as JSON has it, dates as ISO 8601."""
    if isinstance(value, str):
        return plain_lines(value.replace("_x000D_", ""))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return str(value) if isinstance(value, timedelta) else value


def _as_csv(cells: dict[int, Any]) -> str:
    """Return a row as text, to be shown and mended: XLSX has no text of its own for one."""
    text = io.StringIO()
    width = max(cells, default=0)
    csv.writer(text, lineterminator="").writerow([cells.get(column, "") for column in range(1, width + 1)])
    return storable(text.getvalue())
