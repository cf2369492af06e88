"""Test collections as others publish them."""

import json
from pathlib import Path

import pytest

from search.evaluation.datasets import BadDataset, BeirFolder, read_csv, read_qrels, read_trec
from search.ingestion.judgments import JudgedQuery
from tests.evaluation.beir import write_beir


def test_a_beir_folder_gives_documents_and_judged_queries(tmp_path: Path) -> None:
    folder = BeirFolder(write_beir(tmp_path))
    assert [document.external_id for document in folder.documents()] == ["cat", "dog", "pump"]
    assert next(folder.queries()) == JudgedQuery("q1", "it purrs and sleeps", {"cat": 2, "dog": 0})


@pytest.mark.parametrize("place", ["test.tsv", "dev.tsv", "train.tsv"])
def test_qrels_may_lie_in_a_folder_of_their_own(tmp_path: Path, place: str) -> None:
    folder = write_beir(tmp_path)
    (folder / "qrels").mkdir()
    (folder / "qrels.tsv").rename(folder / "qrels" / place)
    assert next(BeirFolder(folder).queries()).grades == {"cat": 2, "dog": 0}


def test_a_folder_without_judgments_says_where_they_were_looked_for(tmp_path: Path) -> None:
    folder = write_beir(tmp_path)
    (folder / "qrels.tsv").unlink()
    with pytest.raises(BadDataset, match="qrels/test.tsv"):
        next(BeirFolder(folder).queries())


@pytest.mark.parametrize(
    ("line", "complaint"), [("{", "Line 2 of corpus.jsonl is no JSON"), ('{"_id": "x"}', "Line 2 .* lacks 'text'")]
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps({"_id": "a", "text": "b"}) + f"\n{line}\n")
    with pytest.raises(BadDataset, match=complaint):
        list(BeirFolder(tmp_path).documents())


def test_the_digest_changes_with_the_judgments_only_where_they_are_read(tmp_path: Path) -> None:
    folder = BeirFolder(write_beir(tmp_path))
    corpus, queries = folder.corpus_digest(), folder.queries_digest()
    (folder.path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tdog\t1\n")
    assert folder.corpus_digest() == corpus
    assert folder.queries_digest() != queries


def test_qrels_of_trec_have_an_iteration_and_grades_below_zero(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text("1 0 DOC-1 2\n1 0 DOC-2 -1\n\n2 Q0 DOC-1 0\n")
    assert read_qrels(path) == {"1": {"DOC-1": 2, "DOC-2": 0}, "2": {"DOC-1": 0}}


@pytest.mark.parametrize(
    ("line", "complaint"), [("1 0 DOC two", "the grade is 'two'"), ("1 DOC", "Line 2 of qrels.txt has 2 columns")]
)
def test_qrels_that_are_none_are_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(f"1 0 DOC 1\n{line}\n")
    with pytest.raises(BadDataset, match=complaint):
        read_qrels(path)


def test_topics_of_trec_are_read_by_number_and_title(tmp_path: Path) -> None:
    topics, qrels = tmp_path / "topics", tmp_path / "qrels"
    topics.write_text(
        "<top>\n<num> Number: 301\n<title> International Organized\nCrime\n<desc> Description:\nIdentify.\n</top>\n"
        "<top><num>302</num><title>Polio &amp; post-polio</title></top>"
    )
    qrels.write_text("301 0 A 1\n")
    found = list(read_trec(topics, qrels))
    assert found == [
        JudgedQuery("301", "International Organized Crime", {"A": 1}), JudgedQuery("302", "Polio & post-polio", {}),
    ]  # fmt: skip


def test_topics_may_be_lines_of_id_and_text(tmp_path: Path) -> None:
    topics, qrels = tmp_path / "topics.tsv", tmp_path / "qrels"
    topics.write_text("7\twhere is it\n")
    qrels.write_text("7\t0\tA\t1\n")
    assert list(read_trec(topics, qrels)) == [JudgedQuery("7", "where is it", {"A": 1})]


def test_a_csv_has_a_line_for_each_judgment(tmp_path: Path) -> None:
    path = tmp_path / "judgments.csv"
    path.write_text('\ufeffquery,external_id,grade\n"pumps, blue",P1,3\n"pumps, blue",P2,0\nfans,F1,1\n')
    assert list(read_csv(path)) == [
        JudgedQuery("pumps, blue", "pumps, blue", {"P1": 3, "P2": 0}), JudgedQuery("fans", "fans", {"F1": 1}),
    ]  # fmt: skip


def test_a_csv_without_a_column_names_it(tmp_path: Path) -> None:
    path = tmp_path / "judgments.csv"
    path.write_text("query,document\n")
    with pytest.raises(BadDataset, match="lacks the column external_id"):
        list(read_csv(path))
