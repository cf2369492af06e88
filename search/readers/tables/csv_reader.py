"""CSV and TSV: a header row with the names of the columns, then one record for each row.

Encoding and delimiter are found from the beginning of the file. Values are texts as they stand; nothing is taken
for a number or a date here.
"""

import csv
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from search.readers.base import Reader, Record, UnreadableFile
from search.readers.text.text_encoding import Encoding, encoding_for
from search.readers.text.text_lines import lines, undecoded
from search.storable import storable

from .csv_rows import CsvRows, RawRow
from .rows import column_names, failed, refuse_too_large, row, too_long

_WRONG_QUOTES = (
    "Its quotes do not match: a quote inside a quoted cell must be doubled, and behind the closing one must come “{}”."
)


class CsvReader(Reader):
    """Rows of text with a delimiter between the cells."""

    format = "csv"
    extensions: ClassVar[tuple[str, ...]] = (".csv",)
    tabular = True
    delimiter = ","  # where the file leaves it open

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        refuse_too_large(file, self.limits)
        encoding = encoding_for(self, file)
        rows = CsvRows(lines(file, encoding, self.limits), self.limits, self.delimiter)
        raw_rows = iter(rows)
        names = self._header(rows, next(raw_rows, None), encoding)
        empty = True
        for raw in raw_rows:
            empty = False
            yield self._record(rows, raw, names, encoding)
        if empty:
            raise UnreadableFile("It has a row with the names of columns, but no row below it.")

    def _header(self, rows: CsvRows, raw: RawRow | None, encoding: Encoding) -> list[str]:
        if raw is None:
            raise UnreadableFile("There is nothing in this file.")
        if raw.too_long:
            raise UnreadableFile(f"Its first row is longer than the {self.limits.row_bytes:,} bytes that one may have.")
        if reason := raw.error or undecoded(raw.text, encoding, self.notes):
            raise UnreadableFile(f"Its first row, which must name the columns, cannot be read. {reason}")
        try:
            return column_names(rows.cells(raw.text), self.limits)
        except csv.Error as error:
            reason = _WRONG_QUOTES.format(_shown(rows.delimiter))
            raise UnreadableFile(f"Its first row, which must name the columns, cannot be read. {reason}") from error

    def _record(self, rows: CsvRows, raw: RawRow, names: list[str], encoding: Encoding) -> Record:
        if raw.too_long:
            return too_long(raw.number, raw.text, self.limits)
        if reason := raw.error or undecoded(raw.text, encoding, self.notes):
            return failed(raw.number, raw.text, reason, self.limits)
        original = storable(raw.text)
        try:
            cells = rows.cells(original)
        except csv.Error:
            return failed(raw.number, original, _WRONG_QUOTES.format(_shown(rows.delimiter)), self.limits)
        if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            reason = f"It has {len(cells):,} cells, but the header names {len(names):,} columns."
            return failed(raw.number, original, reason, self.limits)
        cells += [""] * (len(names) - len(cells))
        return row(raw.number, dict(zip(names, cells, strict=False)), original, self.limits)


class TsvReader(CsvReader):
    """Rows of text with tabs between the cells."""

    format = "tsv"
    extensions = (".tsv", ".tab")
    delimiter = "\t"


def _shown(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else delimiter
