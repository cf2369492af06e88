"""FAISS keeps the contract, in the process and at the time that first needs it."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from search.engines.base import Engine
from search.engines.faiss_engine import FaissEngine
from tests.engines.contract import EngineContract
from tests.engines.layouts import Builder, assert_same, changes, oracle, queries


class TestFaissEngine(EngineContract):
    """The contract."""

    bad_options = (
        ({"index_type": "IVF64"}, "index_type is 'IVF64'; known: Flat"),
        ({"index_type": []}, "known: Flat"),
        ({"index_type": None}, "known: Flat"),
    )

    def make_engine(self, options: dict[str, Any] | None = None) -> Engine:
        return FaissEngine(options or {})


def test_importing_the_engine_imports_no_faiss() -> None:
    code = "import sys, search.engines.faiss_engine; sys.exit('faiss' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_many_queries_at_once_are_measured_as_exactly_as_one(tmp_path: Path) -> None:
    """Above 128,000 numbers in a batch FAISS changes to matrix products, which round differently."""
    reader = Builder(FaissEngine({}), tmp_path).open(segments=[range(60)], tail=range(60, 90))

    found = reader.search(queries(9_000), 5)

    assert_same(found[:50], oracle(range(90)).search(queries(9_000)[:50], 5))


def test_a_reader_is_safe_to_search_from_several_threads(tmp_path: Path) -> None:
    reader = Builder(FaissEngine({}), tmp_path).open(segments=[range(60)], tail=range(60, 90), dead=[5])
    expected = reader.search(queries(3), 10)
    wrong: list[str] = []

    def search_often() -> None:
        for turn in range(50):
            newer = reader.changed(changes(turn, removed=[70])).search(queries(3), 100)
            try:
                assert_same(reader.search(queries(3), 10), expected)
                assert all(70 not in answer.ids for answer in newer)
            except AssertionError as error:
                wrong.append(str(error))

    threads = [threading.Thread(target=search_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
