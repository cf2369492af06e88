"""JSON: a list of objects, an object with such a list in it, or one object that is itself the document.

Streamed: of a large file one element at a time is held. Which of an object's lists holds the documents is decided
from the whole when that is small enough to be one document; in a larger file it is the first list of objects.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from search.readers.base import Reader, Record, UnreadableFile
from search.readers.text.markdown_text import one_line
from search.readers.text.text_encoding import Encoding, encoding_for
from search.readers.text.text_lines import undecoded

from .json_text import JsonPart, JsonText
from .json_values import BadJson, parsed, record
from .rows import failed, refuse_too_large, too_long

LIST_NAMES = ("documents", "docs", "items", "records", "rows", "results", "entries", "articles", "pages", "data")
TEXT_NAMES = ("body", "text", "content")  # an object with one of these is a document, whatever lists it has
_WHOLE_BYTES = 16 << 20  # a larger file is no single document; as objects it would take too much memory
_NO_LIST = "A JSON file must be a list of objects, an object with such a list in it, or one object."
_ENDS_EARLY = "The file ends in the middle: the end of it is missing."


class JsonReader(Reader):
    """Objects in a list."""

    format = "json"
    extensions = (".json",)
    tabular = True

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        refuse_too_large(file, self.limits)
        encoding = encoding_for(self, file)
        size = file.seek(0, io.SEEK_END)
        name = ""
        if self._first(file, encoding) == "{" and size <= min(self.limits.row_bytes, _WHOLE_BYTES):
            file.seek(encoding.mark_bytes)
            whole = file.read().decode(encoding.name, encoding.errors).strip()
            found = self._name_of_list(whole)
            if found is None:
                yield record(1, whole, self.limits)
                return
            name = found
        file.seek(encoding.mark_bytes)
        with _text(file, encoding) as text:
            yield from self._records(JsonText(text, self.limits), name, encoding)

    def _first(self, file: BinaryIO, encoding: Encoding) -> str:
        file.seek(encoding.mark_bytes)
        with _text(file, encoding) as text:
            first = JsonText(text, self.limits).peek()
        if not first:
            raise UnreadableFile("There is nothing in this file.")
        if first not in "[{":
            raise UnreadableFile(_NO_LIST)
        return first

    def _records(self, json: JsonText, name: str, encoding: Encoding) -> Iterator[Record]:
        if json.take() == "{":
            yield from self._list_inside(json, name, encoding)
        else:
            yield from self._list(json, encoding)

    def _name_of_list(self, text: str) -> str | None:
        """Return the name of the list with the documents, "" when that cannot be told, None when there is none."""
        try:
            whole = parsed(text)
        except BadJson:
            return ""
        lists = _lists_of_objects(whole)
        if not lists or any(isinstance(whole.get(name), str) for name in TEXT_NAMES):
            return None
        known = [name for name in lists if name.lower() in LIST_NAMES]
        chosen = known or lists
        if len(chosen) > 1:
            named = ", ".join(f"“{name[:100]}”" for name in chosen[:5])
            raise UnreadableFile(f"It has several lists of objects: {named}. Keep only the one with the documents.")
        return chosen[0]

    def _list_inside(self, json: JsonText, wanted: str, encoding: Encoding) -> Iterator[Record]:
        """Yield the elements of the list `wanted`, "" for the first that begins with an object."""
        count = 0
        while key := _key(json):
            if json.peek() != "[" or (wanted and key != wanted):
                json.part()
            elif json.take() and json.peek() != "{" and not wanted:
                _skip_list(json)
            elif count:
                yield failed(count + 1, "", f"There is another list of objects, “{key}”. It was not read.", self.limits)
                return
            else:
                for element in self._list(json, encoding):
                    count = element.number
                    yield element
            if json.take() != ",":
                break
        if not count:
            raise UnreadableFile(_NO_LIST)

    def _list(self, json: JsonText, encoding: Encoding) -> Iterator[Record]:
        """Yield the elements of a list that has been entered."""
        number, end = 0, ","
        while end not in ("]", ""):
            part = json.part()
            end = json.take()
            if part.text or part.too_long or end not in ("]", ""):
                number += 1
                yield self._element(number, part, encoding)
        if not end and not part.cut_off:
            yield failed(number + 1, "", _ENDS_EARLY, self.limits)
        elif not number:
            raise UnreadableFile("The list in it is empty.")

    def _element(self, number: int, part: JsonPart, encoding: Encoding) -> Record:
        if part.too_long:
            return too_long(number, part.text, self.limits)
        if part.cut_off:
            return failed(number, part.text, _ENDS_EARLY, self.limits)
        if reason := undecoded(part.text, encoding, self.notes):
            return failed(number, part.text, reason, self.limits)
        return record(number, part.text, self.limits)


@contextmanager
def _text(file: BinaryIO, encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(file, encoding=encoding.name, errors=encoding.errors, newline="")
    try:
        yield text
    finally:
        text.detach()  # the file belongs to whoever opened it


def _key(json: JsonText) -> str:
    """Return the next key of an object, "" when there is none."""
    part = json.part()
    if json.take() != ":":
        return ""
    try:
        return str(parsed(part.text))[:100]
    except BadJson:
        return one_line(part.text)[:100]


def _skip_list(json: JsonText) -> None:
    json.part()
    while json.take() == ",":
        json.part()


def _lists_of_objects(whole: Any) -> list[str]:
    """Return the names of the lists in an object that hold objects."""
    if not isinstance(whole, dict):
        return []
    return [name for name, value in whole.items() if isinstance(value, list) and any(map(_is_object, value))]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
