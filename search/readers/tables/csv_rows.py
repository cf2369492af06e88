"""Rows of a CSV file out of its lines, where a quote that is never closed costs its own line and no other.

Python's csv module reads on to the end of the file when a quote stays open, so the rows are put together here
and each is parsed by itself. Never looks further ahead for a closing quote than a row may be long; looking in vain
is paid for with what was read before, so that no file takes quadratic time.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from search.readers.base import Limits
from search.readers.text.text_lines import Line

QUOTE = '"'
DELIMITERS = ",;\t|"
_LINE_COST = 64  # in characters, of looking at a line and holding it
_FIRST_COST = 16 << 20  # that may be spent on looking for closing quotes in vain before what is read pays for it
_MOST_COST = 32 << 20  # of looking for one
_LEAST_COST = 4 << 10
_SAMPLE_LINES = 30
_SAMPLE_CHARS = 1 << 16
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)


class _State(Enum):
    CLOSED = "the row ends with this line"
    OPEN = "a quoted cell goes on in the next line"
    BROKEN = "something other than a delimiter follows a closing quote"


@dataclass(frozen=True, slots=True)
class RawRow:
    """The text of one row, over one or several lines, and why it is none."""

    number: int
    text: str
    error: str = ""
    too_long: bool = False


class CsvRows:
    """Puts rows together from lines. `delimiter` is found in the first of them, `preferred` if all are alike."""

    def __init__(self, lines: Iterator[Line], limits: Limits, preferred: str = ",") -> None:
        self._lines = lines
        self._waiting: deque[Line] = deque()
        self._most_chars = limits.row_bytes
        self._full_credit = max(_FIRST_COST, min(2 * limits.row_bytes, _MOST_COST))
        self._credit = self._full_credit
        self.delimiter, self.spaces = self._dialect(preferred)
        space = " *" if self.spaces else ""
        self._opening = re.compile(f"(?:^|{re.escape(self.delimiter)}){space}{QUOTE}")

    def __iter__(self) -> Iterator[RawRow]:
        """Yield the rows that are not blank."""
        while line := self._next():
            self._credit = min(self._credit + len(line.text) + _LINE_COST, self._full_credit)
            if line.too_long:
                yield RawRow(line.number, line.text, too_long=True)
            elif QUOTE in line.text and self._after(line.text) is _State.OPEN:
                yield self._joined(line)
            elif line.text.strip():
                yield RawRow(line.number, line.text)

    def cells(self, text: str) -> list[str]:
        """Return the cells of one row. Raises csv.Error when its quotes are wrong."""
        if csv.field_size_limit() <= len(text):
            csv.field_size_limit(len(text) + 1)
        parsed = csv.reader([text], delimiter=self.delimiter, skipinitialspace=self.spaces, strict=True)
        return next(parsed, [])

    def _joined(self, first: Line) -> RawRow:
        most = max(self._credit, _LEAST_COST)
        taken: list[Line] = []
        chars, cost, state = len(first.text), 0, _State.OPEN
        while state is _State.OPEN and chars <= self._most_chars and cost <= most:
            line = self._next()
            if line is None:
                break
            taken.append(line)
            chars += len(line.text) + 1
            cost += len(line.text) + _LINE_COST
            state = _State.BROKEN if line.too_long else self._after(line.text, in_quotes=True)
        if state is _State.CLOSED and chars <= self._most_chars:
            return RawRow(first.number, "\n".join([first.text, *(line.text for line in taken)]))
        self._waiting.extendleft(reversed(taken))
        self._credit -= cost
        far = f" within {len(taken):,} lines" if chars > self._most_chars or cost > most else ""
        return RawRow(first.number, first.text, f"A quote opens in this line and is never closed{far}.")

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _after(self, text: str, in_quotes: bool = False) -> _State:
        """Return how a line ends that begins inside or outside of a quoted cell."""
        position = 0
        while True:
            if not in_quotes:
                opening = self._opening.search(text, position)
                if not opening:
                    return _State.CLOSED
                position = opening.end()
            closing = text.find(QUOTE, position)
            while closing >= 0 and text.startswith(QUOTE, closing + 1):
                closing = text.find(QUOTE, closing + 2)
            if closing < 0:
                return _State.OPEN
            position, in_quotes = closing + 1, False
            if position < len(text) and text[position] != self.delimiter:
                return _State.BROKEN

    def _dialect(self, preferred: str) -> tuple[str, bool]:
        """Return the delimiter, and whether spaces stand before opening quotes, as the first lines have it."""
        sample: list[Line] = []
        chars = 0
        while len(sample) < _SAMPLE_LINES and chars < _SAMPLE_CHARS and (line := next(self._lines, None)):
            sample.append(line)
            chars += len(line.text)
        if sample and (named := _SEPARATOR_LINE.fullmatch(sample[0].text.strip(" "))):
            delimiter, sample = named[1], sample[1:]  # the way in which a file tells Excel
        else:
            delimiter = _delimiter([line.text for line in sample if line.text.strip()], preferred)
        self._waiting.extend(sample)
        text = "\n".join(line.text for line in sample)
        spaced = f"{delimiter} {QUOTE}" in text and delimiter + QUOTE not in text
        return delimiter, spaced


def _delimiter(sample: Sequence[str], preferred: str) -> str:
    """Return the delimiter that gives the most rows of the sample as many cells as the first."""
    best, best_score = preferred, (0.0, 0)
    for delimiter in preferred + DELIMITERS.replace(preferred, ""):
        try:
            widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            even = sum(width == widths[0] for width in widths) / len(widths)
            best_score, best = max(
                (best_score, best), ((round(even, 1), widths[0]), delimiter), key=lambda pair: pair[0]
            )
    return best
