"""What can be done with index versions over HTTP, who may do it, and how refusals read."""

from collections.abc import Callable

import pytest

from search.models import Collection, IndexVersion
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt, refused

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

pytestmark = pytest.mark.django_db

REBUILD = "/api/v1/collections/docs/index-versions/"


def url(version: IndexVersion, action: str) -> str:
    return f"/api/v1/index-versions/{version.pk}/{action}/"


def state(version: IndexVersion) -> str:
    version.refresh_from_db()
    return version.state


def test_a_rebuild_is_asked_for_and_done_by_the_worker(curator: Client, live: IndexVersion) -> None:
    response = curator.post(REBUILD)

    assert response.status_code == 202
    assert response.json().keys() == {"collection", "rebuild_requested_at", "activate_when_ready"}
    assert response.json()["activate_when_ready"] is True
    live.collection.refresh_from_db()
    assert live.collection.rebuild_requested_by is not None
    assert IndexVersion.objects.count() == 1


def test_a_rebuild_can_be_told_to_wait_before_it_goes_live(
    curator: Client, live: IndexVersion, indexed: Callable[[], int]
) -> None:
    curator.post(REBUILD, {"activate_when_ready": False})
    indexed()

    assert IndexVersion.objects.get(number=2).state == "ready"


def test_a_ready_version_is_activated(curator: Client, live: IndexVersion, ready: IndexVersion) -> None:
    response = curator.post(url(ready, "activate"))

    assert (response.status_code, response.json()["state"]) == (200, "active")
    assert response.json()["events"][0]["kind"] == "activated"
    assert response.json()["events"][0]["by"] == "curator"
    assert state(live) == "retired"


def test_a_version_with_changes_waiting_goes_live_once_it_is_judged(
    curator: Client, ready: IndexVersion, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()

    response = curator.post(url(ready, "activate"))

    assert (response.status_code, response.json()["state"]) == (202, "ready")
    indexed()
    assert state(ready) == "active"


def test_what_the_gate_refuses_is_a_conflict_with_its_reasons(curator: Client, ready: IndexVersion) -> None:
    refused(ready)

    problem = assert_problem(curator.post(url(ready, "activate")), 409, "conflict")

    assert "1 could not be indexed" in problem["detail"]
    assert state(ready) == "ready"


def test_activating_against_the_gate_needs_its_own_permission(curator: Client, ready: IndexVersion) -> None:
    refused(ready)

    answer = curator.post(url(ready, "activate"), {"override_reason": "I want to."})

    assert "override_gate" in assert_problem(answer, 403, "permission-denied")["detail"]
    assert state(ready) == "ready"


def test_activating_against_the_gate_records_who_and_why(make_user: MakeUser, ready: IndexVersion) -> None:
    refused(ready)
    operator = client_of(make_user("operator", "view_indexversion", "change_indexversion", "override_gate"))

    answer = operator.post(url(ready, "activate"), {"override_reason": "The demo is at noon."})

    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    event = answer.json()["events"][0]
    assert (event["kind"], event["by"], event["reason"]) == ("overridden", "operator", "The demo is at noon.")


def test_a_misspelt_member_activates_nothing(curator: Client, ready: IndexVersion) -> None:
    problem = assert_problem(curator.post(url(ready, "activate"), {"overide_reason": "x"}), 400, "invalid")

    assert pointers(problem) == ["#/overide_reason"]
    assert state(ready) == "ready"


def test_what_a_version_has_missed_is_counted(
    curator: Client, retired: IndexVersion, make_document: MakeDocument
) -> None:
    retired.collection.documents.get().delete()
    make_document()

    assert curator.get(url(retired, "missed")).json() == {"changed": 1, "gone": 1, "total": 2}
    assert state(retired) == "retired"


def test_a_rollback_that_has_to_catch_up_is_accepted(
    curator: Client, retired: IndexVersion, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()

    response = curator.post(url(retired, "roll-back"))

    assert response.status_code == 202
    assert response.json()["missed"] == {"changed": 1, "gone": 0, "total": 1}
    assert response.json()["index_version"]["state"] == "building"
    indexed()
    assert state(retired) == "active"


def test_a_rollback_that_missed_nothing_is_done(curator: Client, ready: IndexVersion) -> None:
    curator.post(url(ready, "activate"))
    rebuilt(ready.collection)

    response = curator.post(url(ready, "roll-back"))

    assert (response.status_code, response.json()["index_version"]["state"]) == (200, "active")
    assert response.json()["missed"]["total"] == 0


def test_a_build_is_cancelled(curator: Client, live: IndexVersion, ready: IndexVersion) -> None:
    response = curator.post(url(ready, "cancel"))

    assert (response.status_code, response.json()["state"]) == (200, "failed")
    assert state(live) == "active"


def test_a_pruned_version_keeps_its_facts_and_holds_nothing(curator: Client, retired: IndexVersion) -> None:
    response = curator.post(url(retired, "prune"))

    assert response.status_code == 200
    assert response.json()["pruned_at"]
    problem = assert_problem(curator.get(url(retired, "missed")), 409, "conflict")
    assert "docs v1 was pruned" in problem["detail"]


@pytest.mark.parametrize("action", ["roll-back", "cancel", "prune"])
def test_the_live_version_can_be_neither_taken_back_cancelled_nor_pruned(
    curator: Client, live: IndexVersion, action: str
) -> None:
    problem = assert_problem(curator.post(url(live, action)), 409, "conflict")

    assert "docs v1 is Active" in problem["detail"]
    assert state(live) == "active"


@pytest.mark.parametrize(
    ("action", "permission"),
    [("activate", "change"), ("roll-back", "change"), ("cancel", "change"), ("prune", "delete")],
)
def test_each_action_needs_its_permission(
    visitor: Client, make_user: MakeUser, live: IndexVersion, action: str, permission: str
) -> None:
    other = {"change": "delete", "delete": "change"}[permission]
    reader = client_of(make_user("reader", "view_indexversion", f"{other}_indexversion"))

    assert_problem(visitor.post(url(live, action)), 401, "not-authenticated")
    assert_problem(reader.post(url(live, action)), 403, "permission-denied")


def test_a_rebuild_needs_the_permission_to_change_collections(
    visitor: Client, outsider: Client, collection: Collection
) -> None:
    assert_problem(visitor.post(REBUILD), 401, "not-authenticated")
    assert_problem(outsider.post(REBUILD), 403, "permission-denied")
    collection.refresh_from_db()
    assert collection.rebuild_requested_at is None


@pytest.mark.parametrize("path", [f"/api/v1/index-versions/9/{name}/" for name in ("activate", "prune", "roll-back")])
def test_an_unknown_version_is_404(curator: Client, path: str) -> None:
    assert_problem(curator.post(path), 404, "not-found")


def test_changed_options_of_a_collection_make_a_candidate(
    curator: Client, live: IndexVersion, indexed: Callable[[], int]
) -> None:
    curator.patch("/api/v1/collections/docs/", {"chunking": {"max_tokens": 20}, "activate_when_ready": False})
    indexed()

    candidate = IndexVersion.objects.get(number=2)
    assert (candidate.state, candidate.chunking) == ("ready", {"max_tokens": 20})
    assert (state(live), live.chunking) == ("active", {})


def test_another_name_of_a_collection_builds_nothing(curator: Client, live: IndexVersion) -> None:
    curator.patch("/api/v1/collections/docs/", {"name": "Papers"})

    live.collection.refresh_from_db()
    assert (live.collection.name, live.collection.rebuild_requested_at) == ("Papers", None)


@pytest.mark.parametrize("options", [{"index_type": "IVFNothing"}, {"recall": 3}, {"speed": "warp"}])
def test_engine_options_that_cannot_work_are_refused_at_once(
    curator: Client, collection: Collection, options: dict[str, object]
) -> None:
    problem = assert_problem(curator.patch("/api/v1/collections/docs/", {"engine_options": options}), 400, "invalid")

    assert pointers(problem) == ["#/engine_options"]
