"""Queries with judgments in the forms that people have them at hand."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from search.evaluation import uploaded_queries
from search.evaluation.datasets import BadDataset
from search.evaluation.uploaded_queries import read_uploaded
from search.ingestion.judgments import JudgedQuery
from tests.evaluation.beir import write_beir

BEIR = [
    JudgedQuery("q1", "it purrs and sleeps", {"cat": 2, "dog": 0}),
    JudgedQuery("q2", "moving water through a pipe", {"pump": 1}),
]
TOPICS = "<top>\n<num> Number: 301\n<title> International crime\n</top>\n"


def made(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_beir_folder_as_zip_gives_its_judged_queries(tmp_path: Path) -> None:
    write_beir(tmp_path)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "animals"))
    assert read_uploaded(packed) == BEIR


def test_beir_queries_come_with_qrels_of_their_own(tmp_path: Path) -> None:
    folder = write_beir(tmp_path)
    assert read_uploaded(folder / "queries.jsonl", folder / "qrels.tsv") == BEIR


@pytest.mark.parametrize("topics", [TOPICS, "301\tInternational crime\n"])
def test_trec_topics_come_with_qrels(tmp_path: Path, topics: str) -> None:
    qrels = made(tmp_path, "qrels.txt", "301 0 FT-1 2\n301 0 FT-2 -1\n")
    assert read_uploaded(made(tmp_path, "topics.txt", topics), qrels) == [
        JudgedQuery("301", "International crime", {"FT-1": 2, "FT-2": 0})
    ]


def test_a_csv_needs_nothing_beside_it(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "query,external_id,grade\nlamp,a,3\n")
    assert read_uploaded(path) == [JudgedQuery("lamp", "lamp", {"a": 3})]


@pytest.mark.parametrize("text", [TOPICS, json.dumps({"_id": "q1", "text": "x"})])
def test_queries_without_judgments_ask_for_their_qrels(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadDataset, match="a.txt has queries without judgments. Choose their qrels, too."):
        read_uploaded(made(tmp_path, "a.txt", text))


def test_qrels_of_other_queries_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="belong together"):
        read_uploaded(made(tmp_path, "a.txt", TOPICS), made(tmp_path, "q.txt", "7 0 FT-1 2\n"))


def test_a_zip_of_something_else_says_what_is_missing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../queries.jsonl", "{}")
    with pytest.raises(BadDataset, match=r"a.zip is a ZIP without queries.jsonl and one of qrels.tsv, qrels/test.tsv"):
        read_uploaded(tmp_path / "a.zip")


def test_a_zip_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_queries, "_MOST_UNPACKED", 3 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("queries.jsonl", " " * (4 << 20))
        archive.writestr("qrels.tsv", "")
    with pytest.raises(BadDataset, match="queries.jsonl has more than 3 MB"):
        read_uploaded(tmp_path / "a.zip")
