"""Index versions over HTTP: facts for those who run the installation."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.models import Collection, IndexVersion, Segment
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/index-versions/"


@pytest.fixture
def version(make_document: MakeDocument, indexed: Callable[[], int]) -> IndexVersion:
    """The active version of `docs`, with one segment and one change that waits."""
    make_document()
    indexed()
    version = IndexVersion.objects.get()
    Segment.objects.create(
        version=version, sha256="a" * 64, ids_sha256="b" * 64, path="p", ids_path="i", rows=5, size_bytes=7,
        first_id=1, last_id=9, generation=1, index_type="HNSW32,Flat", parameters={"efSearch": 64},
    )  # fmt: skip
    make_document()
    return version


def test_an_index_version_has_exactly_the_documented_shape(curator: Client, version: IndexVersion) -> None:
    answer = curator.get(f"{URL}{version.pk}/").json()

    assert set(answer) == {
        "id", "collection", "number", "state", "encoder_name", "encoder_revision", "encoder_runtime",
        "encoder_fingerprint", "dimension", "chunking", "chunking_fingerprint", "engine", "engine_options",
        "generation", "lexical_generation", "documents", "chunks", "encoded_chunks", "activate_when_ready",
        "last_error", "created_by", "created_at", "ready_at", "activated_at", "retired_at", "changed_at", "pruned_at",
        "checked_at", "drift", "progress", "measures", "gate", "segments", "events",
    }  # fmt: skip
    assert (answer["collection"], answer["number"], answer["state"]) == ("docs", 1, "active")
    assert answer["progress"] == {
        "phase": "documents", "words": "Encoding and indexing documents", "done": 1, "total": 2, "percent": 50,
        "per_second": None, "remaining_seconds": None, "pending": 1, "failed": 0, "all_queued": True,
    }  # fmt: skip
    [segment] = answer["segments"]
    assert segment.pop("created_at")
    assert segment == {
        "sha256": "a" * 64, "rows": 5, "size_bytes": 7, "state": "live", "index_type": "HNSW32,Flat",
        "parameters": {"efSearch": 64.0},
    }  # fmt: skip


def test_a_candidate_tells_what_was_measured_and_judged(curator: Client, version: IndexVersion) -> None:
    candidate = rebuilt(version.collection, live=False)

    answer = curator.get(f"{URL}{candidate.pk}/").json()

    assert answer["measures"]["recall"] == 1.0
    assert answer["measures"]["queries"] == 2
    assert answer["measures"]["median_us"] > 0
    assert (answer["gate"]["passed"], answer["gate"]["current"]) == (True, True)
    assert [check["name"] for check in answer["gate"]["checks"]] == ["coverage", "recall", "files", "smoke"]
    assert [event["kind"] for event in answer["events"]] == ["ready", "created"]


def test_a_report_from_before_the_last_change_is_not_current(curator: Client, version: IndexVersion) -> None:
    candidate = rebuilt(version.collection, live=False)
    IndexVersion.objects.filter(pk=candidate.pk).update(generation=99)

    assert curator.get(f"{URL}{candidate.pk}/").json()["gate"]["current"] is False


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [("state", "active", 1), ("state", "retired", 0), ("collection", "docs", 1), ("collection", "other", 0)],
)
def test_the_list_can_be_filtered(curator: Client, version: IndexVersion, name: str, value: str, found: int) -> None:
    Collection.objects.create(slug="other", name="Other")

    assert len(curator.get(URL, {name: value}).json()["results"]) == found


@pytest.mark.parametrize(("name", "value"), [("state", "gone"), ("collection", "nowhere")])
def test_a_filter_that_makes_no_sense_is_named(curator: Client, name: str, value: str) -> None:
    assert pointers(assert_problem(curator.get(URL, {name: value}), 400, "invalid")) == [f"#/{name}"]


@pytest.mark.parametrize("path", [URL, f"{URL}1/"])
def test_they_are_not_for_everyone(visitor: Client, staff: Client, version: IndexVersion, path: str) -> None:
    assert_problem(visitor.get(path), 401, "not-authenticated")
    assert_problem(staff.get(path), 403, "permission-denied")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_they_cannot_be_written(curator: Client, version: IndexVersion, method: str) -> None:
    assert_problem(getattr(curator, method)(f"{URL}{version.pk}/"), 405, "method-not-allowed")


@pytest.mark.parametrize("pk", ["0", "9" * 30, "9" * 5000])
def test_an_unknown_version_is_404(curator: Client, pk: str) -> None:
    assert_problem(curator.get(f"{URL}{pk}/"), 404, "not-found")


def test_the_number_of_queries_does_not_grow_with_the_versions(curator: Client, version: IndexVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            curator.get(URL)
        return len(captured)

    alone = queries()
    for number in range(2, 8):
        IndexVersion.objects.create(
            collection=version.collection, number=number, state="retired", dimension=4, encoder_name="e",
            encoder_runtime="fake", encoder_fingerprint="f", chunking_fingerprint="c", engine="faiss",
        )  # fmt: skip
    assert queries() == alone
