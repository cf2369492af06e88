"""`evaluate_search`: a folder in, figures out; the second time nothing is encoded."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from django.core.management import CommandError, call_command

from search.embedding.fake import FakeEncoder
from search.models import Collection, Document, EvaluationQuery, EvaluationRun
from search.retrieval import open_index
from tests.evaluation.beir import write_beir

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three documents, three queries, two of them judged."""
    return write_beir(tmp_path)


def evaluated(dataset: Path, *arguments: str) -> dict[str, Any]:
    """Return what the command says as JSON."""
    out = io.StringIO()
    call_command("evaluate_search", "--dataset", str(dataset), "--format", "json", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_folder_becomes_a_collection_and_is_measured(dataset: Path) -> None:
    found = evaluated(dataset, "--mode", "lexical")
    assert (found["collection"], found["documents"], found["queries"]) == ("animals", 3, 2)
    (run,) = found["runs"]
    assert run["metrics"]["ndcg@10"]["mean"] == pytest.approx(1.0)
    assert run["metrics"]["judged@10"]["count"] == 2
    assert run["took_ms"]["p50"] > 0
    assert Document.objects.get(external_id="cat").title == "Cats"


def test_the_second_run_encodes_nothing_and_reads_nothing_again(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated(dataset)
    documents = list(Document.objects.values_list("pk", "revision"))
    queries = set(EvaluationQuery.objects.values_list("pk", flat=True))
    monkeypatch.setattr(FakeEncoder, "encode_documents", _refuse)
    evaluated(dataset)
    assert list(Document.objects.values_list("pk", "revision")) == documents
    assert set(EvaluationQuery.objects.values_list("pk", flat=True)) == queries
    assert EvaluationRun.objects.finished().count() == 2


def test_files_that_cannot_be_opened_any_more_are_written_anew(dataset: Path, data_dir: Path) -> None:
    evaluated(dataset)
    open_index.close_all()
    for folder in data_dir.glob("**/lexical/*"):
        shutil.rmtree(folder)
    assert evaluated(dataset, "--mode", "hybrid")["runs"][0]["metrics"]["recall@100"]["mean"] == 1.0


def test_changed_texts_and_judgments_are_taken_over(dataset: Path) -> None:
    evaluated(dataset, "--mode", "lexical")
    corpus = dataset / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("barks at strangers", "is silent"))
    (dataset / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq3\tdog\t1\n")
    assert evaluated(dataset, "--mode", "lexical")["queries"] == 1
    assert "silent" in Document.objects.get(external_id="dog").body


def test_modes_and_configurations_stand_side_by_side(dataset: Path) -> None:
    found = evaluated(dataset, "--mode", "hybrid", "lexical", "--compare", '{"dense_weight": 1}')
    assert [(run["mode"], run["options"]) for run in found["runs"]] == [
        ("hybrid", {}), ("lexical", {}), ("hybrid", {"dense_weight": 1}), ("lexical", {"dense_weight": 1}),
    ]  # fmt: skip
    assert [change["label"] for change in found["comparisons"]] == [run["label"] for run in found["runs"][1:]]
    assert all(change["wins"] + change["ties"] + change["losses"] == 2 for change in found["comparisons"])


def test_only_so_many_queries_as_wanted_are_asked(dataset: Path) -> None:
    assert evaluated(dataset, "--mode", "lexical", "--queries", "1")["queries"] == 1


def test_people_read_a_line_for_each_run(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("evaluate_search", "--dataset", str(dataset), "--mode", "lexical", "hybrid")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "animals v1: 3 documents, 2 queries"
    assert lines[1].startswith("lexical  ndcg@10 1.0000 ±0.000")
    assert lines[3].startswith("hybrid against lexical: nDCG@10")


def test_rankings_are_written_for_other_tools_which_find_the_same(dataset: Path, tmp_path: Path) -> None:
    found = evaluated(dataset, "--mode", "hybrid", "--trec-runs", str(tmp_path / "trec"))
    (run,) = (tmp_path / "trec").glob("animals.*.run")
    theirs = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10, ir_measures.RR @ 10],
        list(ir_measures.read_trec_qrels(str(tmp_path / "trec" / "animals.qrels"))),  # type: ignore[no-untyped-call]
        list(ir_measures.read_trec_run(str(run))),  # type: ignore[no-untyped-call]
    )
    ours = found["runs"][0]["metrics"]
    assert ours["ndcg@10"]["mean"] == pytest.approx(theirs[ir_measures.nDCG @ 10], abs=1e-6)
    assert ours["mrr@10"]["mean"] == pytest.approx(theirs[ir_measures.RR @ 10], abs=1e-6)


def test_a_collection_of_somebody_is_never_touched(dataset: Path) -> None:
    mine = Collection.objects.create(slug="animals", name="My animals")
    Document.objects.create(collection=mine, external_id="zebra", body="Stripes.")
    with pytest.raises(CommandError, match="Collection animals has documents that .* has not, zebra for one"):
        evaluated(dataset)
    assert mine.documents.count() == 1
    assert evaluated(dataset, "--collection", "beir-animals", "--mode", "lexical")["documents"] == 3


def test_a_collection_is_made_with_the_encoder_that_is_asked_for_and_keeps_it(dataset: Path) -> None:
    evaluated(dataset, "--mode", "lexical", "--encoder", "other-model")
    assert Collection.objects.get(slug="animals").encoder_name == "other-model"
    with pytest.raises(CommandError, match="is there with 'other-model', not 'a third'. Name another"):
        evaluated(dataset, "--encoder", "a third")


def test_options_that_make_no_sense_are_named(dataset: Path) -> None:
    with pytest.raises(CommandError, match="dense_weight is 7"):
        evaluated(dataset, "--compare", '{"dense_weight": 7}')


def test_a_query_set_is_measured_by_its_name(dataset: Path) -> None:
    before = evaluated(dataset, "--mode", "lexical")
    out = io.StringIO()
    again = ["--query-set", "animals", "--collection", "animals", "--mode", "lexical", "--format", "json"]
    call_command("evaluate_search", *again, stdout=out)
    assert json.loads(out.getvalue())["runs"][0]["metrics"] == before["runs"][0]["metrics"]
    with pytest.raises(CommandError, match="has no query set 'plants'; it has: animals"):
        call_command("evaluate_search", "--query-set", "plants", "--collection", "animals")


@pytest.mark.parametrize("given", ["dense", "[1]"])
def test_options_that_are_no_object_are_refused(dataset: Path, given: str) -> None:
    with pytest.raises(CommandError, match="is no JSON object"):
        evaluated(dataset, "--compare", given)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="corpus.jsonl cannot be read"):
        evaluated(tmp_path / "nowhere")


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("something was encoded")
