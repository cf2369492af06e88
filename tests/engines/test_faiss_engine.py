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


class FaissContract(EngineContract):
    """The contract of one index type. From a few dozen vectors on every segment is really of this type."""

    index_type = "auto"
    block = 40

    def make_engine(self, options: dict[str, Any] | None = None) -> Engine:
        return FaissEngine({"index_type": self.index_type} if options is None else options)


class TestFlat(FaissContract):
    """Exact, whatever happens."""

    index_type = "Flat"
    block = 1
    bad_options = (
        ({"index_type": []}, "known: auto, rule, Flat"),
        ({"index_type": None}, "known: auto, rule, Flat"),
        ({"index_type": ""}, "known: auto, rule, Flat"),
    )


class TestAuto(FaissContract):
    """The default."""


class TestRule(FaissContract):
    """The rule of thumb."""

    index_type = "rule"


class TestSQ8(FaissContract):
    """A byte a number."""

    index_type = "SQ8"
    tolerance = 0.03


class TestHNSW(FaissContract):
    """A graph over whole vectors."""

    index_type = "HNSW"


class TestHNSWSQ8(FaissContract):
    """A graph over a byte a number."""

    index_type = "HNSW,SQ8"
    tolerance = 0.03


class TestIVFFlat(FaissContract):
    """Inverted lists of whole vectors."""

    index_type = "IVFFlat"


class TestIVFPQ(FaissContract):
    """Inverted lists of codes; exact below 9,984 vectors."""

    index_type = "IVFPQ"


class TestIVFPQFastScan(FaissContract):
    """Inverted lists of 4-bit codes, refined."""

    index_type = "IVFPQFastScan"
    tolerance = 0.002


class TestRaBitQ(FaissContract):
    """A bit a number, refined."""

    index_type = "RaBitQ"
    tolerance = 0.002


class TestIVFRaBitQ(FaissContract):
    """Inverted lists of a bit a number, refined."""

    index_type = "IVFRaBitQ"
    tolerance = 0.002


def test_importing_the_engine_imports_no_faiss() -> None:
    code = "import sys, search.engines.faiss_engine; sys.exit('faiss' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_many_queries_at_once_are_measured_as_exactly_as_one(tmp_path: Path) -> None:
    """Above 128,000 numbers in a batch FAISS changes to matrix products, which round differently."""
    reader = Builder(FaissEngine({"index_type": "Flat"}), tmp_path).open(segments=[range(60)], tail=range(60, 90))

    found = reader.search(queries(9_000), 5)

    assert_same(found[:50], oracle(range(90)).search(queries(9_000)[:50], 5))


def test_a_reader_is_safe_to_search_from_several_threads(tmp_path: Path) -> None:
    reader = Builder(FaissEngine({"index_type": "Flat"}), tmp_path).open(
        segments=[range(60)], tail=range(60, 90), dead=[5]
    )
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
