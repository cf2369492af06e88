"""Columns that no file has, and files and rows with nothing in them, are errors that say so."""

import pytest

from search.ingestion import jobs
from search.ingestion.jobs import BadImport
from search.models import Collection, Document, ImportJob
from tests.ingestion.imports import counts, draft, imported, lines

pytestmark = pytest.mark.django_db

CSV = "nr,title,text\n1,One,First.\n2,Two,Second.\n"


@pytest.mark.parametrize("options", [{"mapping": {"Titel": "title"}}, {"key_column": "Titel"}], ids=["mapping", "key"])
def test_a_column_that_no_file_has_is_refused_before_the_start(
    collection: Collection, options: dict[str, object]
) -> None:
    job = draft(collection, {"a.csv": CSV, "b.txt": "Text."}, **options)

    with pytest.raises(BadImport, match="no column “Titel”; its columns are “nr”, “text”, “title”"):
        jobs.start(job)
    job.refresh_from_db()
    assert job.status == ImportJob.Status.DRAFT


def test_a_file_that_lacks_a_column_fails_alone(collection: Collection) -> None:
    files = {"a.csv": CSV, "b.csv": "id,name,text\n3,Three,Third.\n", "c.txt": "Text."}

    job = imported(collection, files, key_column="nr")

    assert counts(job) == {"read": 3, "created": 3, "failed": 1}
    failure = job.failures.get()
    assert (failure.file.name, failure.line) == ("b.csv", None)
    assert "no column “nr”; its columns are “id”, “name”, “text”" in failure.reason


def test_an_empty_key_fails_its_row(collection: Collection) -> None:
    files = {"a.csv": "nr,text\n1,First.\n,Second.\n", "b.jsonl": lines({"nr": "3", "text": "C."}, {"text": "D."})}

    job = imported(collection, files, key_column="nr")

    assert [(row.file.name, row.line, row.field) for row in job.failures.all()] == [
        ("a.csv", 3, "external_id"), ("b.jsonl", 2, "external_id"),
    ]  # fmt: skip
    assert all("“nr”" in row.reason for row in job.failures.all())
    assert set(Document.objects.values_list("external_id", flat=True)) == {"1", "3"}


def test_an_empty_cell_of_the_id_column_fails_its_row(collection: Collection) -> None:
    job = imported(collection, {"a.csv": "id,text\n ,First.\n"})

    assert (counts(job), "“id”" in job.failures.get().reason) == ({"read": 1, "failed": 1}, True)


def test_empty_rows_and_texts_are_failures_with_their_reason(collection: Collection) -> None:
    files: dict[str, bytes | str] = {
        "a.csv": "id,title,text\n1,One,\n,,\n3,Three,Third.\n",
        "b.txt": "  \n ",
        "c.csv": "id,title\n",
        "d.jsonl": b"",
    }

    job = imported(collection, files)

    assert counts(job) == {"read": 3, "created": 1, "failed": 5}
    found = {(row.file.name, row.line): row.reason for row in job.failures.all()}
    assert found == {
        ("a.csv", 2): "It is empty. Fill it in, or take the row out.",
        ("a.csv", 3): "It is empty.",
        ("b.txt", None): "There is no text in this text file.",
        ("c.csv", None): "It has a row with the names of columns, but no row below it.",
        ("d.jsonl", None): "It is empty: it has 0 bytes.",
    }


def test_rows_of_which_no_column_is_title_or_text_fail_with_their_columns(collection: Collection) -> None:
    job = imported(collection, {"faq.csv": "Frage,Antwort\nWo parken?,Hinter dem Haus\n"})

    assert counts(job) == {"read": 1, "failed": 1}
    assert job.failures.get().reason == (
        "None of its columns is the title or the text: “Frage”, “Antwort”. Say which column is which."
    )


def test_a_row_may_say_nothing_of_the_text_and_an_export_may_have_none(collection: Collection) -> None:
    imported(collection, {"a.csv": "id,title,text\n1,One,First.\n"})

    job = imported(
        collection, {"b.csv": "id,state\n1,archived\n", "c.jsonl": lines({"id": "2", "body": "", "anchors": []})}
    )

    assert counts(job) == {"read": 2, "created": 1, "updated": 1}
    assert Document.objects.get(external_id="1").body == "First."
