"""What a process says of itself, and that saying it is quick and never fails."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from search import health
from search.health import Check, State, is_ready, readiness
from search.models import Collection, IndexVersion, PendingChange
from search.retrieval import open_index, query_vectors
from search.retrieval import warm_up as loading
from tests.api.conftest import load_versions
from tests.conftest import MakeDocument

Indexed = Callable[[], int]


@pytest.fixture(autouse=True)
def warm_ups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the times that loading was begun; nothing is loaded in another thread."""
    begun: list[int] = []
    monkeypatch.setattr(health._warm_up, "start", lambda: begun.append(1))
    return begun


@pytest.fixture
def served(make_document: MakeDocument, indexed: Indexed) -> None:
    """An installation with an active version, loaded and warm."""
    make_document()
    indexed()
    load_versions()


def found(name: str) -> Check:
    [check] = [check for check in readiness(now=timezone.now()) if check.name == name]
    return check


def test_an_installation_that_serves_is_ready(served: None) -> None:
    checks = readiness(now=timezone.now())

    assert [check.name for check in checks] == ["database", "broker", "index", "encoder", "lag", "indexing", "drift"]
    assert [check.finding.state for check in checks] == [State.OK] * 7
    assert is_ready(checks)


def test_checks_can_be_left_out(served: None) -> None:
    checks = readiness(now=timezone.now(), without=frozenset({"broker", "lag", "drift"}))

    assert [check.name for check in checks] == ["database", "index", "encoder", "indexing"]


def test_a_fresh_installation_is_ready_for_its_first_collection(db: None) -> None:
    checks = readiness(now=timezone.now())

    assert is_ready(checks)
    assert found("index").finding.state is State.WARN


def test_before_the_first_version_it_is_not_ready(collection: Collection) -> None:
    assert found("index").finding.state is State.FAIL


def test_a_version_that_is_not_loaded_is_loaded_because_somebody_asks(served: None, warm_ups: list[int]) -> None:
    open_index.close_all()

    assert found("index").finding.state is State.FAIL
    assert warm_ups


def test_an_encoder_that_is_not_loaded_is_loaded_because_somebody_asks(
    served: None, warm_ups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_vectors, "is_warm", lambda: False)

    assert found("encoder").finding.state is State.FAIL
    assert warm_ups


def test_old_work_is_a_warning_and_no_reason_to_stop(served: None, make_document: MakeDocument) -> None:
    make_document()
    PendingChange.objects.update(not_before=timezone.now() - timedelta(seconds=90))

    lag = found("lag")

    assert lag.finding.state is State.WARN
    assert "9" in lag.finding.detail


def test_fresh_work_is_no_warning(served: None, make_document: MakeDocument) -> None:
    make_document()

    assert found("lag").finding.state is State.OK


def test_indexing_that_has_stopped_is_a_warning_that_tells_no_reason(served: None) -> None:
    IndexVersion.objects.update(last_error="The disk of the index folder is full: /secret/path")

    assert found("indexing").finding == health.Finding(
        State.WARN, "1 index versions cannot be brought up to date; the admin says why."
    )


def test_a_disk_that_is_nearly_full_is_a_warning(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FREE_WARNING_BYTES", 1 << 60)

    assert found("indexing").finding.state is State.WARN
    assert "nearly full" in found("indexing").finding.detail


def test_a_version_that_was_never_compared_is_said_so(served: None) -> None:
    assert found("drift").finding.detail == "Not every active version has been compared with the database yet."


def test_what_the_last_comparison_found_is_a_figure(served: None) -> None:
    IndexVersion.objects.update(drift=3, checked_at=timezone.now())

    assert found("drift").finding == health.Finding(State.WARN, "3 differences; check_index --repair mends them.")
    assert is_ready(readiness(now=timezone.now()))


def test_a_clean_comparison_says_how_old_it_is(served: None) -> None:
    IndexVersion.objects.update(drift=0, checked_at=timezone.now() - timedelta(seconds=50))

    assert found("drift").finding.state is State.OK
    assert "compared 50 seconds ago" in found("drift").finding.detail


def test_a_check_that_raises_fails_without_saying_what_it_said(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(now: Any) -> health.Finding:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(health, "CHECKS", {"database": fail})

    assert found("database").finding == health.Finding(State.FAIL, "RuntimeError")


def test_a_filesystem_broker_must_be_writable(served: None, settings: Any, tmp_path: Any) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path)}
    assert found("broker").finding.state is State.OK

    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "missing")}
    assert found("broker").finding == health.Finding(State.FAIL, "FileNotFoundError")


def broker_at(port: int, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Let the application's broker be a Redis at this port of this machine."""
    settings.CELERY_BROKER_URL = url = f"redis://127.0.0.1:{port}/0"
    connection_for_write = current_app.connection_for_write
    monkeypatch.setattr(current_app, "connection_for_write", lambda **kw: connection_for_write(url, **kw))
    monkeypatch.setattr(health, "_broker_question", health._BrokerQuestion())


def test_a_broker_that_refuses_is_said_so_in_time(served: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        broker_at(closed.getsockname()[1], monkeypatch, settings)

        broker = found("broker")

    assert broker.finding.state is State.FAIL
    assert broker.ms < 1500


def test_a_broker_that_hangs_is_given_up_in_time_and_costs_one_thread(
    served: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        broker_at(silent.getsockname()[1], monkeypatch, settings)

        results = [found("broker") for _ in range(2)]
        threads = [thread for thread in threading.enumerate() if thread.name == "broker-check"]

    assert [result.finding.state for result in results] == [State.FAIL] * 2
    assert all(900 < result.ms < 1500 for result in results)
    assert len(threads) <= 1


def test_asking_costs_few_queries_however_much_waits(served: None, make_document: MakeDocument) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            readiness(now=timezone.now())
        return len(captured)

    few = queries()
    for _ in range(5):
        make_document()

    assert queries() == few <= 8


def test_loading_is_begun_once_and_not_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    monkeypatch.setattr(loading, "warm_up", lambda: begun.append(1))
    loader = health._WarmUp()

    for _ in range(3):
        loader.start()
        time.sleep(0.05)

    assert begun == [1]
