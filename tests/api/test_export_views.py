"""Whoever may read every document downloads a collection; nobody else learns anything of it."""

import io
import json
import zipfile
from typing import Any

import pytest

from search.models import Collection
from tests.api.conftest import Client, assert_problem
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/collections/docs/export."


@pytest.fixture(autouse=True)
def documents(make_document: MakeDocument) -> None:
    make_document(external_id="open", title="=1+1")
    make_document(external_id="draft", state="draft", visibility="staff")


def content(response: Any) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def test_each_address_streams_every_document_as_a_file(curator: Client) -> None:
    jsonl = curator.get(f"{ADDRESS}jsonl")
    assert [json.loads(line)["external_id"] for line in content(jsonl).splitlines()] == ["open", "draft"]
    assert jsonl["Content-Type"] == "application/x-ndjson"
    assert jsonl["Content-Disposition"] == 'attachment; filename="docs.jsonl"'
    table = curator.get(f"{ADDRESS}csv")
    assert b"open,'=1+1," in content(table)
    assert table["Content-Type"].startswith("text/csv")
    bundle = curator.get(f"{ADDRESS}zip")
    names = zipfile.ZipFile(io.BytesIO(content(bundle))).namelist()
    assert names == [
        "collection.json", "documents.jsonl", "judgments.jsonl", "curation-rules.jsonl", "synonym-groups.jsonl",
    ]  # fmt: skip
    assert bundle["Content-Disposition"] == 'attachment; filename="docs.zip"'


@pytest.mark.parametrize("ending", ["jsonl", "csv", "zip"])
def test_only_those_who_read_everything_may_export(visitor: Client, member: Client, staff: Client, ending: str) -> None:
    assert_problem(visitor.get(ADDRESS + ending), 401, "not-authenticated")
    for person in (member, staff):
        assert_problem(person.get(ADDRESS + ending), 403, "permission-denied")


def test_the_address_says_what_the_answer_is_whatever_is_accepted(curator: Client) -> None:
    for accepted in ("application/x-ndjson", "text/csv", "image/png"):
        assert content(curator.get(f"{ADDRESS}jsonl", headers={"accept": accepted})).startswith(b'{"external_id"')


def test_a_collection_that_is_not_there_is_a_problem(curator: Client) -> None:
    assert_problem(curator.get("/api/v1/collections/none/export.jsonl"), 404, "not-found")


def test_an_export_changes_nothing(curator: Client) -> None:
    assert_problem(curator.post(f"{ADDRESS}jsonl"), 405, "method-not-allowed")
    assert Collection.objects.get().documents.count() == 2
