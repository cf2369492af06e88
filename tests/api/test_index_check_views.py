"""Comparing and mending over HTTP: asked for here, done by the worker, told here."""

from collections.abc import Callable
from typing import Any

import pytest

from search.indexing import drift
from search.indexing.sweep import sweep
from search.models import Document, IndexVersion, PendingChange
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(make_document: MakeDocument, indexed: Callable[[], int]) -> IndexVersion:
    """Three documents, applied and compared."""
    drift._running.clear()
    for _ in range(3):
        make_document()
    indexed()
    sweep()
    return IndexVersion.objects.get()


def address(version: IndexVersion) -> str:
    return f"/api/v1/index-versions/{version.pk}/check/"


def make_drift() -> None:
    Document.objects.update(body="changed behind its back")
    PendingChange.objects.all().delete()


def test_a_check_is_done_by_the_worker_and_told(curator: Client, version: IndexVersion) -> None:
    make_drift()

    asked = curator.post(address(version))
    sweep()
    found = curator.get(address(version)).json()

    assert (asked.status_code, asked.json()["check_requested_at"] is not None) == (202, True)
    assert (found["clean"], found["drift"], found["report"]["stale"]["count"]) == (False, 3, 3)
    assert found["check_requested_at"] is None
    assert not PendingChange.objects.exists()


def test_a_repair_mends_what_differs_and_compares_again(curator: Client, version: IndexVersion) -> None:
    make_drift()

    assert curator.post(address(version), {"repair": True}).json()["repair_requested_at"] is not None
    sweep()
    assert PendingChange.objects.count() == 3
    sweep()
    sweep()
    found = curator.get(address(version)).json()

    assert (found["clean"], found["drift"], found["report"]["pending"]) == (True, 0, 0)
    assert (found["check_requested_at"], found["repair_requested_at"]) == (None, None)


def test_a_repair_writes_damaged_files_again(curator: Client, version: IndexVersion) -> None:
    damaged = max((path for path in version.folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    damaged.write_bytes(b"not what was written")

    curator.post(address(version))
    drift.step(budget_seconds=60)
    assert curator.get(address(version)).json()["report"]["damaged_files"]["count"] == 1
    curator.post(address(version), {"repair": True})
    for _ in range(3):
        sweep()

    found = curator.get(address(version)).json()
    assert (found["clean"], found["check_requested_at"]) == (True, None)


def test_one_is_asked_for_even_where_none_is_made_by_itself(
    curator: Client, version: IndexVersion, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "CHECK_SECONDS": 0.0}
    make_drift()

    curator.post(address(version))
    sweep()

    assert curator.get(address(version)).json()["drift"] == 3


def test_what_was_asked_for_while_another_was_at_work_is_done_after_it(curator: Client, version: IndexVersion) -> None:
    curator.post(address(version))
    drift.step(budget_seconds=0)
    assert version.pk in drift._running
    curator.post(address(version), {"repair": True})
    drift.step(budget_seconds=60)

    assert curator.get(address(version)).json()["repair_requested_at"] is not None
    drift.step(budget_seconds=60)
    assert curator.get(address(version)).json()["repair_requested_at"] is None


def test_a_pruned_version_is_a_conflict(curator: Client, version: IndexVersion) -> None:
    IndexVersion.objects.update(state="failed", pruned_at="2026-01-01T00:00:00Z")

    assert "pruned" in assert_problem(curator.post(address(version)), 409, "conflict")["detail"]


def test_looking_needs_the_right_to_see_versions_and_asking_that_to_change_them(
    make_user: MakeUser, version: IndexVersion
) -> None:
    watcher, nobody = client_of(make_user("watcher", "view_indexversion")), client_of(make_user("nobody"))

    assert (watcher.get(address(version)).status_code, watcher.post(address(version)).status_code) == (200, 403)
    assert nobody.get(address(version)).status_code == 403
