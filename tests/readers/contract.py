"""The contract of every reader: subclass `ReaderContract` as `Test<Name>`, say how to make the reader, and run it.

A reader of rows subclasses `RowsContract` instead. Each test asks for what `search.readers.base` promises, on a
sound sample and on damaged copies of it; the damage is seeded, so that a failure comes again. Never looks into
a reader: only `read` is called.
"""

import io
import json
import random
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, Reader, Record, UnreadableFile
from search.storable import storable_json

DAMAGED = 60  # damaged copies of the sample that each reader is given
FIELDS = {"title", "body", "language", "url", "metadata", "anchors"}  # of a file that is one document


class ReaderContract:
    """Override `make_reader`, `sample` and `expected`."""

    name = "sample.txt"  # what the file is called

    def make_reader(self, limits: Limits | None = None) -> Reader:
        """Return the reader under test."""
        raise NotImplementedError

    def sample(self) -> bytes:
        """Return a small sound file with text in it, below 100 KB."""
        raise NotImplementedError

    def expected(self) -> list[Mapping[str, Any]]:
        """Return for each record of the sample what its values must hold; they may hold more."""
        raise NotImplementedError

    def records(self, content: bytes, limits: Limits | None = None) -> list[Record]:
        """Read a whole file and hold each of its records against what a record is."""
        reader = self.make_reader(limits)
        found = list(reader.read(io.BytesIO(content), PurePosixPath(self.name)))
        assert_sound(found, reader)
        return found

    def test_a_sound_file_gives_what_is_in_it(self) -> None:
        found = self.records(self.sample())
        assert [record.error for record in found] == [""] * len(self.expected())
        for record, expected in zip(found, self.expected(), strict=True):
            assert {key: record.values.get(key) for key in expected} == expected

    def test_reading_a_file_again_gives_the_same(self) -> None:
        assert self.records(self.sample()) == self.records(self.sample())

    def test_the_reader_says_what_it_reads(self) -> None:
        reader = self.make_reader()
        assert reader.format == reader.format.lower() != ""
        assert reader.extensions
        assert all(ending == ending.lower() and ending.startswith(".") for ending in reader.extensions)
        assert PurePosixPath(self.name).suffix in reader.extensions

    @pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n\r\n   \n"], ids=["empty", "a line end", "white space"])
    def test_a_file_with_nothing_in_it_is_refused_with_a_reason(self, content: bytes) -> None:
        with pytest.raises(UnreadableFile) as refused:
            self.records(content)
        assert_is_a_reason(str(refused.value))

    def test_damaged_files_give_records_or_a_reason_and_nothing_else(self) -> None:
        for content in damaged(self.sample(), DAMAGED):
            assert_is_contained(self, content)

    def test_bytes_of_no_meaning_give_records_or_a_reason_and_nothing_else(self) -> None:
        dice = random.Random(7)
        for size in (1, 2, 3, 8, 64, 700, 5_000, 40_000):
            assert_is_contained(self, dice.randbytes(size))

    def test_a_file_above_the_size_limit_is_refused(self) -> None:
        with pytest.raises(UnreadableFile) as refused:
            self.records(self.sample(), Limits(file_bytes=len(self.sample()) - 1))
        assert f"{len(self.sample()) - 1:,}" in str(refused.value)

    def test_a_text_above_the_limit_is_refused_rather_than_cut(self) -> None:
        limits = Limits(text_chars=3)
        try:
            found = self.records(self.sample(), limits)
        except UnreadableFile as refused:
            assert_is_a_reason(str(refused))
        else:
            assert self.make_reader().tabular
            assert any(record.error for record in found)


class RowsContract(ReaderContract):
    """Override `many`, `with_a_bad_row` and `with_a_long_row` as well."""

    rows = 4_000  # of the large file; memory must not know the difference to a tenth of it
    spare_bytes = 600_000  # that reading the large file may take beyond reading the small one

    def many(self, count: int) -> bytes:
        """Return a file of `count` sound rows."""
        raise NotImplementedError

    def with_a_bad_row(self) -> tuple[bytes, int]:
        """Return a file with one bad row, sound rows before and behind it, and the bad one's place among them."""
        raise NotImplementedError

    def with_a_long_row(self, chars: int) -> tuple[bytes, int]:
        """Return the same, where the bad row is sound, but has a text of `chars` characters."""
        raise NotImplementedError

    def test_records_come_while_the_file_is_being_read(self) -> None:
        file = CountingFile(self.many(self.rows))
        first = next(iter(self.make_reader().read(file, PurePosixPath(self.name))))
        assert not first.error
        assert file.given < len(file.getvalue()) * 0.75

    def test_memory_does_not_grow_with_the_number_of_rows(self) -> None:
        few, many = self.peak(self.rows // 10), self.peak(self.rows)
        assert many - few < self.spare_bytes

    def peak(self, count: int) -> int:
        content = self.many(count)
        reader = self.make_reader()
        tracemalloc.start()
        try:
            found = sum(1 for _ in reader.read(io.BytesIO(content), PurePosixPath(self.name)))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert found == count

    def test_a_bad_row_leaves_the_others_intact(self) -> None:
        content, place = self.with_a_bad_row()
        found = self.records(content)
        assert [bool(record.error) for record in found] == [index == place for index in range(len(found))]
        assert 0 < place < len(found) - 1
        assert_is_a_reason(found[place].error)

    def test_each_row_keeps_how_it_was_written(self) -> None:
        content, _ = self.with_a_bad_row()
        assert all(record.original for record in self.records(content))

    def test_a_row_above_the_limit_fails_alone(self) -> None:
        content, place = self.with_a_long_row(5_000)
        found = self.records(content, Limits(row_bytes=2_000))
        assert [bool(record.error) for record in found] == [index == place for index in range(len(found))]
        assert 0 < place < len(found) - 1
        assert "2,000" in found[place].error


class CountingFile(io.BytesIO):
    """Counts the bytes that it gives away."""

    given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int | None = -1, /) -> bytes:
        return self._counted(super().read1(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._counted(super().readline(size))

    def readinto(self, buffer: Any, /) -> int:
        size = super().readinto(buffer)
        self.given += size
        return size

    def _counted(self, data: bytes) -> bytes:
        self.given += len(data)
        return data


def damaged(content: bytes, count: int) -> Iterator[bytes]:
    """Yield copies that are cut off, have bytes changed, parts doubled, removed, zeroed or made of quotes."""
    dice = random.Random(len(content))
    for number in range(count):
        start = dice.randrange(len(content))
        end = min(len(content), start + dice.choice((1, 1, 4, 30, 300)))
        part = content[start:end]
        inserted = (
            dice.randbytes(len(part)),
            b"",
            part * 3,
            b"\0" * len(part),
            dice.choice((b'"', b"<", b"{[", b"\xff\xfe", b"\xed\xa0\x80", b"&x;", b"\r", b"(((", b"NaN")) * len(part),
        )
        yield content[:start] if number % 6 == 5 else content[:start] + inserted[number % 6] + content[end:]


def assert_is_contained(contract: ReaderContract, content: bytes) -> None:
    """A file of whatever bytes ends as records or as UnreadableFile with a reason."""
    try:
        contract.records(content)
    except UnreadableFile as refused:
        assert_is_a_reason(str(refused))


def assert_is_a_reason(reason: str) -> None:
    """A reason is a sentence for people, not the words of a parser alone."""
    assert len(reason) > 15, reason
    assert reason[0].isupper() or reason[0] in "“‘", reason
    assert reason.rstrip("”").endswith((".", "…")), reason
    assert len(reason) < 1_000, reason
    assert "Traceback" not in reason and "object at 0x" not in reason


def assert_sound(records: list[Record], reader: Reader) -> None:
    """Records are what the interface says, whatever the file was."""
    numbers = [record.number for record in records]
    assert records
    assert all(number >= 1 for number in numbers)
    assert numbers == sorted(set(numbers))
    for record in records:
        assert storable_json(record.original) == record.original
        assert len(record.original) <= reader.limits.row_bytes
        assert_are_values(record, reader.limits)
        if record.error:
            assert reader.tabular
            assert_is_a_reason(record.error)
            assert not record.values
        elif reader.tabular:
            assert record.values
            assert len(record.values) <= reader.limits.columns
        else:
            assert_is_a_document(records, reader.limits)


def assert_are_values(record: Record, limits: Limits) -> None:
    """Values are JSON that a database takes, and no string among them is longer than a text may be."""
    assert json.loads(json.dumps(record.values, allow_nan=False)) == record.values
    assert storable_json(record.values) == record.values
    assert all(isinstance(name, str) and name for name in record.values)
    assert all(len(value) <= limits.text_chars for value in record.values.values() if isinstance(value, str))


def assert_is_a_document(records: list[Record], limits: Limits) -> None:
    """A file that is one document has a title, a text and anchors within it."""
    [record] = records
    values = record.values
    assert record.number == 1
    assert record.original == ""
    assert set(values) <= FIELDS
    assert isinstance(values["title"], str) and values["title"].strip()
    assert isinstance(values["body"], str)
    assert "\r" not in values["body"]
    assert isinstance(values.get("metadata", {}), dict)
    assert all(isinstance(values.get(name, ""), str) for name in ("language", "url"))
    offsets = [offset for offset, label in values.get("anchors", []) if isinstance(label, str) and label]
    assert len(offsets) == len(values.get("anchors", []))
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(values["body"]) for offset in offsets)
