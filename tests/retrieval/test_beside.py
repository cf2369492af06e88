"""Work beside the queries: once at a time by its name, and its failures are nobody's query's."""

import threading
from collections.abc import Callable

import pytest

from search.retrieval.beside import start

WAIT_SECONDS = 10.0


@pytest.fixture
def gate() -> threading.Event:
    """Lets a job end that waits for it."""
    return threading.Event()


def started(name: str, job: Callable[[], None]) -> threading.Thread | None:
    """Start a job and return its thread, or None when none was started."""
    before = set(threading.enumerate())
    start(name, job)
    return next((thread for thread in threading.enumerate() if thread not in before), None)


def wait(gate: threading.Event) -> None:
    assert gate.wait(WAIT_SECONDS)


def test_a_job_whose_name_is_running_is_not_started_again(gate: threading.Event) -> None:
    ran: list[int] = []
    thread = started("opening", lambda: wait(gate))
    assert thread is not None

    assert started("opening", lambda: ran.append(1)) is None

    gate.set()
    thread.join(WAIT_SECONDS)
    assert ran == []


def test_jobs_of_two_names_run_side_by_side(gate: threading.Event) -> None:
    first = started("one", lambda: wait(gate))
    second = started("two", gate.set)

    for thread in (first, second):
        if thread is not None:
            thread.join(WAIT_SECONDS)
    assert gate.is_set()


def test_a_job_that_failed_can_be_started_again(caplog: pytest.LogCaptureFixture, gate: threading.Event) -> None:
    def fail() -> None:
        raise RuntimeError("no such index")

    thread = started("opening", fail)
    if thread is not None:
        thread.join(WAIT_SECONDS)
    assert "no such index" in caplog.text

    start("opening", gate.set)

    wait(gate)
