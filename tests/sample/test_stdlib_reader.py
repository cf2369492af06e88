"""The real standard library of the interpreter that runs the tests."""

import subprocess
import sys
from collections import Counter

import pytest

from search.sample import stdlib_reader
from search.sample.docstrings import Entry
from search.sample.stdlib_modules import LEFT_OUT, module_names
from search.sample.stdlib_reader import SampleUnreadable, importable, read_entries


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return read_entries()


def test_there_are_a_few_thousand_entries(entries: list[Entry]) -> None:
    assert 3_000 < len(entries) < 8_000


def test_every_name_is_there_once(entries: list[Entry]) -> None:
    repeated = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize(
    "name",
    [
        "dict.fromkeys", "collections.OrderedDict", "set", "itertools.groupby", "functools.lru_cache", "list.append",
        "threading.Thread.join", "threading.Barrier", "concurrent.futures.wait", "multiprocessing.Process.join",
        "asyncio.gather", "os.path.join", "pathlib.Path.read_text", "json.dumps", "random.randint", "re.sub",
    ],
)  # fmt: skip
def test_what_people_ask_for_is_there(entries: list[Entry], name: str) -> None:
    assert name in {entry.name for entry in entries}


def test_titles_carry_the_signature(entries: list[Entry]) -> None:
    titles = {entry.name: entry.title for entry in entries}
    assert titles["itertools.groupby"] == "itertools.groupby(iterable, key=None)"
    assert titles["threading.Thread.join"] == "threading.Thread.join(timeout=None)"


def test_well_known_modules_come_first(entries: list[Entry]) -> None:
    first = {entry.module for entry in entries[:600]}
    assert {"builtins", "collections", "itertools", "threading", "concurrent.futures"} <= first


def test_the_same_interpreter_gives_the_same_entries_in_the_same_order(entries: list[Entry]) -> None:
    assert read_entries() == entries


def test_no_text_tells_about_the_machine(entries: list[Entry]) -> None:
    assert [entry.name for entry in entries if "0x7f" in entry.title + entry.body] == []
    assert [entry.name for entry in entries if "=environ(" in entry.title] == []


def test_modules_that_act_on_import_are_never_imported() -> None:
    assert not {name.partition(".")[0] for name in module_names()} & LEFT_OUT


def test_a_module_that_cannot_be_imported_is_left_out() -> None:
    assert [name for name, _ in importable(["json", "no_such_module_anywhere", "re"])] == ["json", "re"]


def test_reading_imports_nothing_into_the_calling_process() -> None:
    code = (
        "import sys; from search.sample.stdlib_reader import read_entries; "
        "assert read_entries(1); print('imaplib' in sys.modules, 'django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_reader_that_does_not_finish_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdlib_reader, "_TIMEOUT_SECONDS", 0.001)
    with pytest.raises(SampleUnreadable, match="timed out"):
        read_entries()
