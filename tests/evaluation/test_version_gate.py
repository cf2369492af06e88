"""Never ship a worse version: built by the real worker's code, held against the live one by a set of queries."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from search.datatypes import SearchResponse
from search.evaluation import runner, version_gate
from search.evaluation.statistics import Difference
from search.indexing import applier, gate, lifecycle
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet, EvaluationRun, IndexVersion
from search.query_service import NotReady
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt

pytestmark = pytest.mark.django_db

PAGES = 8


@pytest.fixture
def guard(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> EvaluationQuerySet:
    """Pages that a search for their word finds at once, and the set that says so and guards the gate."""
    for number in range(PAGES):
        make_document(external_id=f"d{number}", title=f"Page {number}", body=f"word{number} stands on page{number}")
    found = EvaluationQuerySet.objects.create(collection=collection, name="pages", guards_gate=True)
    queries = [JudgedQuery(f"q{n}", f"word{n} stands on page{n}", {f"d{n}": 1}) for n in range(PAGES)]
    judgments.store(found, queries)
    indexed()
    return found


def test_a_version_that_answers_as_well_goes_live_and_says_how_well(guard: EvaluationQuerySet) -> None:
    version = rebuilt(guard.collection)
    assert version.state == IndexVersion.State.ACTIVE
    check = _check(version)
    assert check.passed and "nDCG@10 on pages is 1.0000" in check.found
    runs = EvaluationRun.objects.filter(query_set=guard, label=version_gate.LABEL)
    assert {run.version_number for run in runs} == {1, 2}


def test_a_version_that_answers_worse_stays_where_it_is(
    guard: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mix_up_answers(monkeypatch, of_version=2)
    version = rebuilt(guard.collection)
    assert version.state == IndexVersion.State.READY
    assert "nDCG@10 on pages is 0.0000, that of the live version 1.0000" in version.last_error
    with pytest.raises(lifecycle.CannotActivate, match="nDCG@10"):
        lifecycle.activate(version)
    assert guard.collection.active_version().number == 1  # type: ignore[union-attr]


def test_a_person_may_let_a_worse_version_go_live_with_a_reason(
    guard: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mix_up_answers(monkeypatch, of_version=2)
    version = rebuilt(guard.collection)
    lifecycle.activate(version, override_reason="The new texts are not judged yet.")
    assert version.state == IndexVersion.State.ACTIVE


def test_saves_in_between_do_not_measure_everything_again(
    guard: EvaluationQuerySet, make_document: MakeDocument
) -> None:
    version = rebuilt(guard.collection, live=False)
    make_document(external_id="new", body="something new")
    applier.drain(guard.collection_id, budget_seconds=60)
    version.refresh_from_db()
    assert gate.report_of(version) is not None and _check(version).passed
    assert EvaluationRun.objects.count() == 2


def test_judgments_made_since_count(guard: EvaluationQuerySet) -> None:
    version = rebuilt(guard.collection, live=False)
    for query in guard.queries.all()[:4]:
        query.judgments.update(grade=0)
    assert "nDCG@10" in version_gate.judge(version)[1]  # type: ignore[index]
    guard.queries.all().delete()
    assert version_gate.judge(version) is None


def test_taking_a_version_back_is_not_held_up(guard: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuilt(guard.collection)
    first = guard.collection.index_versions.get(number=1)
    _mix_up_answers(monkeypatch, of_version=1)
    lifecycle.roll_back(first)
    applier.drain(guard.collection_id, budget_seconds=60)
    first.refresh_from_db()
    assert first.state == IndexVersion.State.ACTIVE


def test_without_a_set_that_guards_the_gate_nothing_is_measured(guard: EvaluationQuerySet) -> None:
    EvaluationQuerySet.objects.update(guards_gate=False)
    version = rebuilt(guard.collection)
    assert version.state == IndexVersion.State.ACTIVE
    assert version_gate.NAME not in {check["name"] for check in version.gate["checks"]}
    assert not EvaluationRun.objects.exists()


def test_what_cannot_be_measured_does_not_go_live(guard: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_answer", _refuse)
    version = rebuilt(guard.collection)
    assert version.state == IndexVersion.State.READY
    assert "pages could not be measured" in version.last_error


@pytest.mark.parametrize(
    ("difference", "low", "high", "worse"),
    [
        (-0.05, -0.08, -0.02, True),
        (-0.05, -0.12, 0.02, False),  # chance
        (-0.009, -0.012, -0.006, False),  # sure, but too little to be noticed
        (0.05, 0.02, 0.08, False),
    ],
)
def test_worse_is_more_than_the_tolerance_and_more_than_chance(
    difference: float, low: float, high: float, worse: bool
) -> None:
    assert version_gate.is_worse(Difference(difference, low, high, 0.5, 0, 0, 0)) is worse


def _check(version: IndexVersion) -> gate.GateCheck:
    report = gate.GateReport.from_json(version.gate)
    assert report is not None
    return next(check for check in report.checks if check.name == version_gate.NAME)


def _mix_up_answers(monkeypatch: pytest.MonkeyPatch, *, of_version: int) -> None:
    """Let one version answer without its first result, which is the right one."""
    answer = runner._answer

    def mixed_up(run: EvaluationRun, version: IndexVersion, text: str) -> SearchResponse:
        response = answer(run, version, text)
        return replace(response, results=response.results[1:]) if version.number == of_version else response

    monkeypatch.setattr(runner, "_answer", mixed_up)


def _refuse(*_: object) -> object:
    raise NotReady("It cannot be searched.")
