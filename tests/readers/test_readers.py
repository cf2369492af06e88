"""The list of readers: what it names exists, and agrees with how files are told apart."""

import subprocess
import sys

import pytest

from search.readers.base import Limits
from search.readers.readers import READERS, UnknownFormat, formats, reader_class, reader_for
from search.readers.sniffing import EXTENSIONS


@pytest.mark.parametrize("format_name", READERS)
def test_every_reader_reads_the_format_and_the_extensions_that_it_is_listed_under(format_name: str) -> None:
    found = reader_class(format_name)
    assert found.format == format_name
    assert set(found.extensions) == {ending for ending, name in EXTENSIONS.items() if name == format_name}


def test_a_reader_gets_the_limits_that_it_is_asked_for_with() -> None:
    limits = Limits(columns=7)
    assert reader_for("csv", limits).limits is limits


def test_formats_are_those_that_have_readers_or_are_archives_of_them() -> None:
    assert set(EXTENSIONS.values()) == {*formats(), "zip", "tar"}


def test_a_format_without_a_reader_is_named_with_those_that_have_one() -> None:
    with pytest.raises(UnknownFormat, match="no reader for “doc”. Formats are: csv, tsv"):
        reader_for("doc")


def test_another_class_can_stand_behind_a_format() -> None:
    other = {"csv": "search.readers.tables.csv_reader.TsvReader"}
    assert reader_for("csv", readers=other).format == "tsv"


def test_parsers_are_loaded_only_when_they_are_needed() -> None:
    code = "import sys, search.readers.readers, search.readers.sniffing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "search.readers.sniffing" in loaded
    assert not {"django", "openpyxl", "pypdf", "docx", "lxml", "yaml"} & set(loaded)
