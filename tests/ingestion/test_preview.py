"""The preview says what an import would do, and does none of it."""

import pytest

from search.ingestion.preview import preview
from search.models import Collection, Document, DuplicatePair, ImportFailure
from tests.ingestion.imports import draft, imported, lines
from tests.ingestion.test_runner import zipped

pytestmark = pytest.mark.django_db


def test_the_first_rows_are_shown_as_what_they_would_become(collection: Collection) -> None:
    imported(collection, {"rows.jsonl": lines({"id": "1", "text": "One."}, {"id": "2", "text": "Two."})})
    job = draft(
        collection,
        {"new.csv": "id,text,price\n1,One.,\n2,Changed.,5\n3,Three.,\n4,One.,\n"},
        duplicates="skip",
        defaults={"language": "en"},
    )

    shown = preview(job)

    assert [(row.number, row.external_id, row.outcome) for row in shown.rows] == [
        (2, "1", "updated"), (3, "2", "updated"), (4, "3", "created"), (5, "4", "duplicate"),
    ]  # fmt: skip
    assert shown.columns == ("id", "text", "price")
    assert shown.mapping == {"id": "external_id", "text": "body", "price": "metadata.price"}
    assert dict(shown.rows[1].values) == {"body": "Changed.", "language": "en", "metadata": {"price": "5"}}
    assert Document.objects.count() == 2
    assert not DuplicatePair.objects.exists()


def test_problems_are_shown_with_their_rows(collection: Collection) -> None:
    shown = preview(draft(collection, {"rows.jsonl": lines({"id": "1", "url": "javascript:x"}) + "{\n"}))

    assert [(row.outcome, list(row.problems)) for row in shown.rows] == [("failed", ["url"]), ("failed", [""])]
    assert not ImportFailure.objects.exists()


def test_archives_are_looked_into(collection: Collection) -> None:
    shown = preview(draft(collection, {"all.zip": zipped({"one.txt": "The first.", "two.txt": "The second."})}))

    assert [(file.name, file.format) for file in shown.files] == [
        ("all.zip", "archive"), ("one.txt", "text"), ("two.txt", "text"),
    ]  # fmt: skip
    assert [row.external_id for row in shown.rows] == ["one.txt", "two.txt"]


def test_a_file_that_cannot_be_read_says_why(collection: Collection) -> None:
    shown = preview(draft(collection, {"a.pdf": b"MZ" + bytes(100), "b.txt": "Text."}))

    assert [bool(file.error) for file in shown.files] == [True, False]
    assert len(shown.rows) == 1


def test_rows_that_nothing_identifies_are_warned_of(collection: Collection) -> None:
    rows = {"a.csv": "colour,size\nred,4\nblue,5\n"}

    assert len(preview(draft(collection, rows)).warnings) == 2
    assert len(preview(draft(collection, rows, mapping={"colour": "title"}, key_column="size")).warnings) == 0


def test_many_files_are_counted_and_not_read(collection: Collection) -> None:
    shown = preview(draft(collection, {f"{number}.txt": f"Text {number}." for number in range(12)}), files=3)

    assert (len(shown.files), shown.more_files) == (3, 9)


def test_long_texts_are_shortened(collection: Collection) -> None:
    (row,) = preview(draft(collection, {"a.txt": "word " * 1_000})).rows

    assert len(row.values["body"]) < 400


def test_files_with_columns_are_looked_into_first_for_columns_are_to_be_mapped(collection: Collection) -> None:
    job = draft(collection, {f"{n}.md": "# Text" for n in range(9)} | {"products.csv": "Product,Text\nLamp,Bright.\n"})
    shown = preview(job)
    assert shown.columns == ("Product", "Text")
    assert (shown.looked_into, shown.more_files) == (5, 5)
