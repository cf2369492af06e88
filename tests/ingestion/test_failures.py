"""A row that failed can be mended, downloaded, sent again or put aside, and never gets in twice."""

import json

import pytest
from django.contrib.auth.models import Group

from search.ingestion import failures, runner
from search.ingestion.document_writes import Outcome
from search.ingestion.jobs import BadImport
from search.models import Collection, Document, ImportFailure, ImportJob
from tests.ingestion.imports import counts, imported, lines
from tests.readers.tables.test_xlsx_reader import workbook

pytestmark = pytest.mark.django_db

GOOD = {"id": "1", "title": "One", "text": "First."}
BAD = {"id": "2", "title": "Two", "text": "Second.", "url": "javascript:x", "price": 3}


@pytest.fixture
def job(collection: Collection) -> ImportJob:
    return imported(collection, {"rows.jsonl": lines(GOOD, BAD) + "{broken\n"})


def test_mending_begins_with_what_the_row_said(job: ImportJob) -> None:
    failure = job.failures.get(line=2)

    assert failures.fields_of(failure) == {
        "external_id": "2", "title": "Two", "body": "Second.", "url": "javascript:x", "metadata": {"price": 3},
    }  # fmt: skip


def test_a_mended_row_becomes_its_document(job: ImportJob) -> None:
    failure = job.failures.get(line=2)

    result = failures.mend(failure, {**failures.fields_of(failure), "url": "https://example.org"})

    assert (result.outcome, result.external_id) == (Outcome.CREATED, "2")
    document = Document.objects.get(external_id="2")
    assert (document.body, document.url, document.metadata) == ("Second.", "https://example.org", {"price": 3})
    failure.refresh_from_db()
    assert failure.state == ImportFailure.State.SENT


def test_a_row_that_could_not_be_read_is_mended_from_nothing(job: ImportJob) -> None:
    failure = job.failures.get(line=3)

    failures.mend(failure, {"title": "Three", "body": "Third."})

    assert Document.objects.get(external_id="rows.jsonl#3").body == "Third."


def test_mending_badly_names_the_field_and_leaves_the_row_open(job: ImportJob) -> None:
    failure = job.failures.get(line=2)

    for values, field in (({"state": "gone"}, "state"), ({"groups": ["nobody"]}, "groups")):
        with pytest.raises(BadImport) as caught:
            failures.mend(failure, {**failures.fields_of(failure), "url": "", **values})
        assert list(caught.value.problems) == [field]
    failure.refresh_from_db()
    assert failure.state == ImportFailure.State.OPEN


def test_a_row_is_mended_once(job: ImportJob) -> None:
    failure = job.failures.get(line=3)
    failures.mend(failure, {"body": "Third."})

    with pytest.raises(BadImport, match="already"):
        failures.mend(failure, {"body": "Another."})

    assert Document.objects.get(external_id="rows.jsonl#3").body == "Third."


def test_rows_whose_cause_is_gone_are_sent_again_as_they_were(collection: Collection) -> None:
    rows = lines(GOOD, {"title": "No id", "text": "Third.", "groups": ["sales"]})
    job = imported(collection, {"rows.jsonl": rows})
    Group.objects.create(name="sales")

    again = failures.retry(job)
    while runner.run(again.pk):
        pass

    again.refresh_from_db()
    assert (again.retry_of, counts(again)) == (job, {"read": 1, "created": 1})
    assert Document.objects.get(external_id="rows.jsonl#2").title == "No id"
    assert set(job.failures.values_list("state", flat=True)) == {ImportFailure.State.SENT}


def test_a_file_that_failed_is_sent_again_whole(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    from search.ingestion import open_files
    from search.readers.base import UnreadableFile

    def refuse(*_: object) -> None:
        raise UnreadableFile("It needs more memory than there is.")

    with monkeypatch.context() as patch:
        patch.setattr(open_files, "OpenFile", refuse)
        job = imported(collection, {"a.txt": "A text."})
    again = failures.retry(job)
    while runner.run(again.pk):
        pass

    again.refresh_from_db()
    assert (counts(job), counts(again)) == ({"failed": 1}, {"read": 1, "created": 1})
    assert Document.objects.get().external_id == "a.txt"


def test_nothing_to_send_again_is_an_error(collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": "{broken\n" + lines(GOOD)})

    with pytest.raises(BadImport, match="mend them one by one"):
        failures.retry(job)


def test_failed_rows_are_downloaded_mended_and_imported(collection: Collection, job: ImportJob) -> None:
    downloaded = [json.loads(line) for line in failures.as_jsonl(job)]
    assert [(row["_line"], row.get("id"), row.get("_original", "").strip()) for row in downloaded] == [
        (2, "2", ""),
        (3, None, "{broken"),
    ]

    downloaded[0]["url"] = "https://example.org"
    again = imported(collection, {"mended.jsonl": lines(downloaded[0])})

    assert counts(again) == {"read": 1, "created": 1}
    document = Document.objects.get(external_id="2")
    assert (document.url, document.metadata) == ("https://example.org", {"price": 3})


def test_a_failure_is_closed_by_its_mended_row_and_by_no_other(collection: Collection, job: ImportJob) -> None:
    first, second = (json.loads(line) for line in failures.as_jsonl(job))
    mended = {**first, "url": "https://example.org"}

    imported(Collection.objects.create(slug="other", name="Other"), {"mended.jsonl": lines(mended)})
    assert job.failures.filter(state=ImportFailure.State.OPEN).count() == 2

    imported(collection, {"mended.jsonl": lines(mended, {**second, "id": "3", "url": "javascript:x"})})
    assert [row.line for row in job.failures.filter(state=ImportFailure.State.OPEN)] == [3]


def test_open_failures_can_be_put_aside(job: ImportJob) -> None:
    assert failures.dismiss(job.failures.all()) == 2

    assert list(failures.as_jsonl(job)) == []


def clashing(collection: Collection) -> ImportJob:
    """An import of two rows with one identity, of which the first does not get in."""
    rows = {"Nr": "1", "Text": "The old one.", "Web": "javascript:alert(1)"}, {"Nr": "1", "Text": "The new one."}
    mapping = {"Nr": "external_id", "Text": "body", "Web": "url"}
    return imported(collection, {"rows.jsonl": lines(*rows)}, mapping=mapping, defaults={"language": "de"})


def test_mending_does_not_undo_what_was_written_since(collection: Collection) -> None:
    failure = clashing(collection).failures.get()
    mended = {**failures.fields_of(failure), "url": "", "language": ""}

    with pytest.raises(BadImport, match="was written since"):
        failures.mend(failure, mended)
    assert Document.objects.get().body == "The new one."

    failures.mend(failure, mended, replace=True)
    document = Document.objects.get()
    assert (document.body, document.language) == ("The old one.", "de")


def test_downloaded_rows_of_a_mapped_import_need_no_mapping(collection: Collection) -> None:
    (line,) = failures.as_jsonl(clashing(collection))
    row = {**json.loads(line), "external_id": "2", "url": ""}

    assert counts(imported(collection, {"mended.jsonl": lines(row)})) == {"read": 1, "created": 1}
    document = Document.objects.get(external_id="2")
    assert (document.body, document.language, document.metadata) == ("The old one.", "de", {})


def test_a_failed_row_says_where_it_stands_as_people_count(collection: Collection) -> None:
    book = workbook({"Cats": [["id", "url"], [1, "/a"]], "Dogs": [["id", "url"], [2, "/b"], [3, "ftp://c"]]})
    job = imported(collection, {"a.csv": "id,url\n1,ftp://a\n", "b.json": '[{"url": "x:"}]', "c.xlsx": book})

    assert [failure.where for failure in job.failures.select_related("file")] == [
        "line 2", "item 1", "sheet “Dogs”, row 3",
    ]  # fmt: skip
