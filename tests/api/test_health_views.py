"""The addresses that supervisors and load balancers ask."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from search import health
from search.models import Collection
from tests.conftest import MakeDocument

from .conftest import Client, load_versions


@pytest.fixture
def nothing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking loads nothing in another thread."""
    monkeypatch.setattr(health._warm_up, "start", lambda: None)


@pytest.mark.parametrize("path", ["/health/live", "/health/live/"])
def test_live_answers_without_asking_anybody(visitor: Client, path: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        response = visitor.get(path)

    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert len(captured) == 0


def test_ready_says_what_was_checked(visitor: Client, make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    make_document()
    indexed()
    load_versions()

    response = visitor.get("/health/ready")

    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert list(response.json()["checks"]) == ["database", "broker", "index", "encoder", "lag", "indexing", "drift"]
    assert all(set(check) == {"state", "detail", "ms"} for check in response.json()["checks"].values())


@pytest.mark.usefixtures("nothing_loads")
def test_not_ready_is_503(visitor: Client, collection: Collection) -> None:
    response = visitor.get("/health/ready")

    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert response.json()["checks"]["index"]["state"] == "fail"


def test_a_check_can_be_left_out(visitor: Client, collection: Collection) -> None:
    response = visitor.get("/health/ready?exclude=index,lag&exclude=broker")

    assert response.status_code == 200
    assert list(response.json()["checks"]) == ["database", "encoder", "indexing", "drift"]


def test_a_check_that_does_not_exist_cannot_be_left_out(visitor: Client) -> None:
    response = visitor.get("/health/ready?exclude=brokr")

    assert response.status_code == 400
    assert response.json()["unknown"] == ["brokr"]


def test_without_a_database_it_still_answers(visitor: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection to 10.0.0.5 refused")

    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "cursor", fail)
        response = visitor.get("/health/ready")
        alive = visitor.get("/health/live")

    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {
        "state": "fail", "detail": "OperationalError", "ms": response.json()["checks"]["database"]["ms"],
    }  # fmt: skip
    assert response.json()["checks"]["index"]["state"] == "fail"
    assert alive.status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_answers_are_never_cached(visitor: Client, db: None, path: str) -> None:
    assert "no-store" in visitor.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_only_reading_is_served(visitor: Client, path: str) -> None:
    assert visitor.post(path).status_code == 405
