"""Two records of one import with one identity: the first stays, the second is a failed row that says where that is."""

from pathlib import Path

import pytest

from search.ingestion import failures, identities, jobs, open_files, runner
from search.ingestion.preview import preview
from search.models import Collection, Document, ImportIdentity, ImportJob
from tests.ingestion.imports import counts, draft, finished, imported, lines

pytestmark = pytest.mark.django_db


def row(number: str, text: str) -> dict[str, str]:
    return {"id": number, "title": f"Title {number}", "text": text}


def bodies() -> dict[str, str]:
    return {document.external_id: document.body for document in Document.objects.all()}


def reasons(job: ImportJob) -> list[tuple[str, int | None, str]]:
    return [(failure.file.name, failure.line, failure.reason) for failure in job.failures.all()]


@pytest.mark.parametrize("batch", [1, 500], ids=["in another batch", "in one batch"])
def test_the_second_row_of_an_identity_fails_and_says_where_the_first_is(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(open_files, "BATCH_RECORDS", batch)
    rows = lines(row("1", "First."), row("2", "Second."), row("1", "Another."))

    job = imported(collection, {"rows.jsonl": rows})

    assert counts(job) == {"read": 3, "created": 2, "failed": 1}
    assert bodies() == {"1": "First.", "2": "Second."}
    ((name, line, reason),) = reasons(job)
    assert (name, line) == ("rows.jsonl", 3)
    assert "“1” was used before in this import, at rows.jsonl, line 1" in reason


def test_the_same_identity_in_two_files_of_an_import_is_reported(collection: Collection) -> None:
    files = {"a.csv": "id,text\n1,First.\n", "b.jsonl": lines(row("1", "Another.")), "c.txt": "Text."}
    files["d.jsonl"] = lines(row("c.txt", "Named like a file."))

    job = imported(collection, files)

    assert [(name, line) for name, line, _ in reasons(job)] == [("b.jsonl", 1), ("d.jsonl", 1)]
    assert "at a.csv, line 2" in reasons(job)[0][2]
    assert "at c.txt." in reasons(job)[1][2]
    assert bodies() == {"1": "First.", "c.txt": "Text."}


def test_a_dry_run_and_a_preview_report_it_too_and_the_import_after_them_is_not_misled(collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": lines(row("1", "First."), row("1", "Another."))})

    assert [shown.outcome for shown in preview(job).rows] == ["created", "failed"]
    assert counts(finished(job, dry_run=True)) == {"read": 2, "created": 1, "failed": 1}
    assert counts(finished(job)) == {"read": 2, "created": 1, "failed": 1}


def test_what_is_taken_up_again_meets_no_row_of_its_own(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_files, "BATCH_RECORDS", 2)
    job = draft(collection, {"rows.jsonl": lines(*(row(str(n), f"Text {n}.") for n in range(7)), row("3", "Again."))})
    jobs.start(job)

    while runner.run(job.pk, budget_seconds=0):
        open_files.take(job.pk, None).close()  # type: ignore[arg-type]  # as when the process was killed

    job.refresh_from_db()
    assert (counts(job), [line for _, line, _ in reasons(job)]) == ({"read": 8, "created": 7, "failed": 1}, [8])


def test_nothing_is_kept_of_an_import_that_is_over(collection: Collection) -> None:
    imported(collection, {"rows.jsonl": lines(row("1", "First."))})

    assert not ImportIdentity.objects.exists()


def test_a_row_whose_first_did_not_get_in_is_no_second(collection: Collection) -> None:
    bad = {**row("1", "Bad."), "url": "javascript:x"}

    job = imported(collection, {"rows.jsonl": lines(bad, row("1", "Good."))})

    assert (counts(job), bodies()) == ({"read": 2, "created": 1, "failed": 1}, {"1": "Good."})


def test_a_second_row_is_mended_by_another_id_and_never_sent_again_as_it_is(collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": lines(row("1", "First."), row("1", "Another."))})
    failure = job.failures.get()

    with pytest.raises(jobs.BadImport):
        failures.retry(job)
    failures.mend(failure, {**failures.fields_of(failure), "external_id": "1b"})

    assert (failure.field, bodies()) == (identities.FIELD, {"1": "First.", "1b": "Another."})


def test_an_entry_of_an_archive_is_no_second_when_it_is_read_anew(collection: Collection, tmp_path: Path) -> None:
    job = draft(collection, {"rows.jsonl": lines(row("1", "First."))})
    finished(job, dry_run=True)
    jobs.reopen(job)

    assert counts(finished(job)) == {"read": 1, "created": 1}
