"""What is exported is what was stored: JSON Lines to the last character, CSV as far as a spreadsheet is safe."""

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.ingestion import export
from search.models import Collection, Document
from tests.conftest import MakeDocument
from tests.ingestion.imports import imported

pytestmark = pytest.mark.django_db

ODD: list[dict[str, Any]] = [
    {"external_id": "plain", "title": "A title", "body": "Words.", "url": "https://a.example/?b=c&d", "language": "pt"},
    {"external_id": "blank", "title": "", "body": "", "metadata": {}},
    {"external_id": "line ends", "title": " spaces ", "body": "\r\n1\r2\n\n3\u20284\u20295\x856\x0b7\n"},
    {"external_id": "signs", "title": "=1+1", "body": "Ü漢🦉e\u0301\u202eevil\ufeff\x01\x1f\"\\u0041,;\t"},
    {"external_id": "a/b #1?&%20 \"\n", "title": "An id of another system", "body": "x" * 100_000},
    {"external_id": "numbers", "metadata": {"big": 2**80, "small": 1e-300, "float": 1.0, "minus": -0.5, "int": 1}},
    {"external_id": "nulls", "metadata": {"null": None, "empty": "", "list": [], "object": {}, "no": False, "zero": 0}},
    {"external_id": "nested", "metadata": {"path": "a.txt", "a.b": {"c": [1, [{"d": None}]]}, "": "", "Z": 1, "a": 2}},
    {"external_id": "own columns", "metadata": {"title": "t", "external_id": "e", "_row_id": "r", "_file": "f"}},
    {"external_id": "draft", "state": "draft", "visibility": "staff", "body": "Not yet."},
    {"external_id": "archived", "state": "archived", "body": "No longer."},
    {"external_id": "places", "body": "One. Two.", "anchors": [[0, "page 1"], [5, "page 2"], [5, "page 3"]]},
    {"external_id": "grouped", "visibility": "groups", "body": "For some.", "groups": ["R&D, Köln", "sales"]},
    {"external_id": "no groups yet", "visibility": "groups", "body": "For nobody."},
    {"external_id": "same text 1", "title": "Twin", "body": "Same."},
    {"external_id": "same text 2", "title": "Twin", "body": "Same."},
]  # fmt: skip


def make_odd(collection: Collection) -> None:
    """Store documents with everything in them that could get lost on the way."""
    for fields in ODD:
        names = fields.get("groups", [])
        row = Document.objects.create(collection=collection, **{k: v for k, v in fields.items() if k != "groups"})
        row.groups.set([Group.objects.get_or_create(name=name)[0] for name in names])


def stored(collection: Collection) -> list[dict[str, Any]]:
    """Return what is stored, independently of the export: every field that is not the database's own."""
    rows = Document.objects.filter(collection=collection).order_by("external_id")
    own = ("id", "collection", "groups", "revision", "created_at", "updated_at", "duplicate_of")
    names = [field.name for field in Document._meta.get_fields() if field.concrete and field.name not in own]
    return [
        {**{name: getattr(row, name) for name in names}, "groups": sorted(row.groups.values_list("name", flat=True))}
        for row in rows
    ]


def test_an_export_read_in_again_gives_the_same_documents_and_the_same_bytes(collection: Collection) -> None:
    make_odd(collection)
    other = Collection.objects.create(slug="other", name="Other")
    exported = b"".join(export.jsonl(collection))

    job = imported(other, {"documents.jsonl": exported})

    assert (job.created, job.failed, list(job.failures.values_list("reason", flat=True))) == (len(ODD), 0, [])
    assert json.dumps(stored(other)) == json.dumps(stored(collection))  # True is not 1, and 1.0 is not 1
    assert b"".join(export.jsonl(other)) == exported
    assert imported(other, {"documents.jsonl": exported}).unchanged == len(ODD)


def test_an_export_brings_back_what_was_changed_meanwhile(collection: Collection) -> None:
    make_odd(collection)
    before, exported = stored(collection), b"".join(export.jsonl(collection))
    Document.objects.update(
        title="T", body="B", url="https://example.org/x", metadata={"new": 1}, state="draft",
        visibility="public", anchors=[[0, "page 9"]],
    )  # fmt: skip
    Document.groups.through.objects.all().delete()
    Document.objects.get(external_id="plain").groups.set([Group.objects.create(name="new")])

    job = imported(collection, {"documents.jsonl": exported})

    assert (job.updated, job.failed) == (len(ODD), 0)
    assert json.dumps(stored(collection)) == json.dumps(before)


def test_each_line_is_a_document_with_the_fields_that_an_import_understands(make_document: MakeDocument) -> None:
    make_document(external_id="1")
    assert [json.loads(line) for line in b"".join(export.jsonl(Collection.objects.get())).splitlines()] == [
        {
            "external_id": "1", "title": "A title", "body": "A body with some words.", "url": "", "language": "",
            "metadata": {}, "state": "published", "visibility": "public", "groups": [], "anchors": [],
        }
    ]  # fmt: skip


def test_a_spreadsheet_runs_no_cell_of_the_table(collection: Collection) -> None:
    attacks = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        '=HYPERLINK("https://example.org")',
        "=cmd|' /C calc'!A0",
    ]
    for number, attack in enumerate(attacks):
        Document.objects.create(
            collection=collection, external_id=f"{attack}{number}", title=attack, body=attack, language=attack[:2],
            url=attack, metadata={"=a": attack},
        )  # fmt: skip
    Document.objects.create(collection=collection, external_id="plain", title='A "title", quoted', body="1-1=0\r\nß")

    table = b"".join(export.csv_table(collection)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))

    assert len(rows) == len(attacks) + 1
    assert [
        cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    ] == []
    assert [row["title"] for row in rows[:-1]] == [f"'{attack}" for attack in attacks]
    assert (rows[-1]["title"], rows[-1]["body"]) == ('A "title", quoted', "1-1=0\r\nß")


def test_queries_grow_with_batches_and_memory_does_not_grow(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_HELD_CHARS", 100_000)
    rows = (Document(collection=collection, external_id=str(n), body=f"{n} " + "x" * 20_000) for n in range(600))
    Document.objects.bulk_create(rows)
    tracemalloc.start()
    try:
        with CaptureQueriesContext(connection) as queries:
            size = sum(len(piece) for piece in export.jsonl(collection))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 12_000_000
    assert peak < 3_000_000
    assert len(queries) < 3 * 600 / 4


def test_only_the_collection_itself_is_exported(collection: Collection, make_document: MakeDocument) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    make_document(external_id="mine")
    make_document(external_id="theirs", collection=other)
    assert b"theirs" not in b"".join(export.jsonl(collection))
    assert list(export.jsonl(Collection.objects.create(slug="empty", name="Empty"))) == []


def test_the_longest_text_that_can_be_stored_comes_in_again_however_it_is_escaped(
    collection: Collection, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 3_000_000}
    body = "\x01" * 3_000_000
    lines = json.dumps({"external_id": "long", "body": body}).encode()

    job = imported(collection, {"all.jsonl": lines})

    assert (job.created, job.failed, len(lines) > 16 << 20) == (1, 0, True)
    assert stored(collection)[0]["body"] == body
