"""docs/importing.md: the formats, fields and options that it names are the real ones, all of them."""

import re
from pathlib import Path

from django.core.management.base import BaseCommand

from search.ingestion.mapping import FIELDS
from search.management.commands import import_documents
from search.readers.readers import READERS, reader_class

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "importing.md").read_text()


def test_the_formats_are_those_that_can_be_read() -> None:
    rows = re.findall(r"^\| (\w+) \| (`\..*?) \|", PAGE, re.MULTILINE)

    assert {name: tuple(re.findall(r"`(\.[\w.]+)`", names)) for name, names in rows} == {
        name: reader_class(name).extensions for name in READERS
    }


def test_every_field_is_named() -> None:
    table = PAGE.split("## What a row becomes")[1].split("##")[0]

    assert set(FIELDS) - set(re.findall(r"`(\w+)`", table)) == {"anchors"}  # these are an export's own


def options(command: BaseCommand) -> set[str]:
    """Return the long options of a command."""
    parser = command.create_parser("manage.py", "any")
    return {name for action in parser._actions for name in action.option_strings if name.startswith("--")}


def test_every_option_is_named_and_no_other() -> None:
    own = options(import_documents.Command()) - options(BaseCommand())

    assert own - set(re.findall(r"--[a-z][a-z-]*", PAGE)) == {"--mirror"}  # the default
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= own
