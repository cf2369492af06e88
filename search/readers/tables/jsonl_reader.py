"""JSON Lines: one object in each line. A line that is none fails by itself, whatever its length.

Never holds more than one line of at most the size that a row may have.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from search.readers.base import Reader, Record, UnreadableFile
from search.readers.text.text_encoding import encoding_for
from search.readers.text.text_lines import lines, undecoded

from .json_values import record
from .rows import failed, refuse_too_large, too_long


class JsonlReader(Reader):
    """One JSON object in each line."""

    format = "jsonl"
    extensions = (".jsonl", ".ndjson")
    tabular = True

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        refuse_too_large(file, self.limits)
        encoding = encoding_for(self, file)
        empty = True
        for line in lines(file, encoding, self.limits, newline="\n"):
            text = line.text.strip()
            if not text and not line.too_long:
                continue
            empty = False
            if line.too_long:
                yield too_long(line.number, line.text, self.limits)
            elif reason := undecoded(text, encoding, self.notes):
                yield failed(line.number, text, reason, self.limits)
            else:
                yield record(line.number, text, self.limits)
        if empty:
            raise UnreadableFile("There is nothing in this file.")
