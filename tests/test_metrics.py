"""Counting over processes: sums of all, those that ended included; nothing that counts can fail what is counted."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from search import metric_files, metrics
from search.models import IndexVersion
from search.query_service import InvalidQuery, search

COUNTING = """
import django; django.setup()
from search import metrics
metrics.count("searches", mode="hybrid")
print(metrics.search_figures().searches, flush=True)
input()
"""


def value(name: str, **labels: str) -> float:
    samples = [sample for family in metrics.collected() for sample in family.samples]
    return float(sum(s.value for s in samples if s.name == "semsearch_" + name and labels.items() <= s.labels.items()))


@pytest.fixture
def counting(tmp_path: Path) -> Any:
    """Start a process that counts one search and waits; what it says next is how many it sees."""
    environment = {**os.environ, "SEMSEARCH_DATA_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent.parent)}
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNTING], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_all_processes_are_counted_together_and_the_dead_ones_stay_counted(
    counting: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first, second = counting(), None
    assert first.stdout is not None
    assert first.stdout.readline() == "1\n"
    first.kill()
    first.wait()
    second = counting()
    assert second.stdout is not None
    assert second.stdout.readline() == "2\n"
    left = sorted(path.name.partition("_")[2] for path in (tmp_path / "metrics").glob("counter_*.db"))
    assert len(left) == 2
    assert left[1] == "past.db"
    third = counting()
    assert third.stdout is not None
    assert third.stdout.readline() == "3\n"
    assert len(list((tmp_path / "metrics").glob("*.alive"))) == 2


def test_files_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "counter_1-dead.db").write_bytes(b"\xff\x7f\x00\x00" + b"\xff" * 60)
    (tmp_path / "histogram_1-dead.db").write_bytes(b"")
    good = MmapedDict(str(tmp_path / "counter_2-dead.db"))
    good.write_value(mmap_key("m", "m_total", [], [], "Help."), 3.0, 0.0)
    good.close()
    metric_files.ProcessFiles(tmp_path)()
    (family,) = metric_files.collected(tmp_path)
    assert [sample.value for sample in family.samples] == [3.0]
    assert not (tmp_path / "counter_1-dead.db").exists()


def test_a_process_without_room_on_the_disk_counts_nothing_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(metric_files, "_allocate", full)
    monkeypatch.setattr(metrics, "_folder", lambda: tmp_path / "metrics")
    monkeypatch.setattr(metrics, "_children", {})
    monkeypatch.setattr(metrics, "_registered", metrics._registered.__wrapped__)
    metrics.count("searches", mode="hybrid")
    metrics.observe("search_seconds", 0.1)
    assert metrics.search_figures() == metrics.SearchFigures()


def test_a_search_counts_itself_its_stages_and_its_encoding(live: IndexVersion) -> None:
    before = metrics.search_figures()
    encoded, stage = value("encoded_texts_total", what="query"), value("search_stage_seconds_count", stage="dense")
    hits = value("query_vectors_total", cache="hit")
    search("words nobody asked for yet")
    search("words nobody asked for yet")
    figures = metrics.search_figures()
    assert figures.searches == before.searches + 2
    assert figures.seconds_buckets[-1] == (float("inf"), figures.searches)
    assert value("encoded_texts_total", what="query") == encoded + 1
    assert value("query_vectors_total", cache="hit") == hits + 1
    assert value("search_stage_seconds_count", stage="dense") == stage + 2


def test_searches_that_find_nothing_and_such_that_are_refused_are_counted(live: IndexVersion) -> None:
    nothing, refused = metrics.search_figures().zero_results, value("searches_refused_total", reason="invalid")
    search("words", filters=["tag:none"])
    with pytest.raises(InvalidQuery):
        search("")
    assert metrics.search_figures().zero_results == nothing + 1
    assert value("searches_refused_total", reason="invalid") == refused + 1


def test_what_is_not_to_be_logged_is_not_counted_either(live: IndexVersion) -> None:
    before = metrics.search_figures().searches
    search("words", log=False)
    assert metrics.search_figures().searches == before
