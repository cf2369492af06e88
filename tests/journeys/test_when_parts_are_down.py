"""Worker or broker away, killed, or delivering too often: every save succeeds and is found later."""

import time

import pytest

from tests.journeys.stack import SWEEP_SECONDS, Stack

pytestmark = pytest.mark.timeout(600)
BROKER_DOWN_SAVE_SECONDS = 5.0


def body(number: int) -> str:
    """Return a text that only one query finds by its words."""
    return f"A note about subject number {number}, filed under marker{number:04}."


def assert_each_found_once(stack: Stack, slug: str, count: int) -> None:
    """Every document is found by its word, exactly once, and its chunks exist exactly once."""
    for number in range(count):
        word = f"marker{number:04}"
        assert stack.found(word, slug, mode="lexical") == [f"d{number}"], word
        assert f"d{number}" in stack.found(body(number), slug, mode="dense", k=3), word
    chunks = stack.sql(
        "SELECT count(*), count(DISTINCT c.document_id) FROM search_chunk c JOIN search_document d "
        "ON d.id = c.document_id WHERE d.collection_id = %s AND c.removed_generation IS NULL",
        [stack.collection_id(slug)],
    )
    assert chunks == [(count, count)]


def test_a_hundred_saves_while_the_worker_is_down_are_found_after_it_starts(stack: Stack, slug: str) -> None:
    stack.stop_worker()
    for number in range(100):
        stack.put(slug, f"d{number}", title="Note", body=body(number))
    assert stack.pending(slug) == (100, [])
    stack.start_worker()
    stack.wait_indexed(slug)
    assert_each_found_once(stack, slug, 100)


def test_a_save_while_the_broker_is_down_succeeds_soon_and_is_found_later(stack: Stack, slug: str) -> None:
    stack.break_broker()
    for number in range(3):
        began = time.monotonic()
        stack.put(slug, f"d{number}", title="Note", body=body(number))
        assert time.monotonic() - began < BROKER_DOWN_SAVE_SECONDS
    collection = str(stack.collection_id(slug))
    stack.fill_in("/admin/search/document/add/", collection=collection, external_id="d3", title="Note", body=body(3))
    time.sleep(SWEEP_SECONDS + 1)  # the sweep, too, has found the broker gone
    stack.mend_broker()
    stack.wait_indexed(slug, revive=True)
    assert_each_found_once(stack, slug, 4)


def test_every_message_delivered_three_times_changes_nothing(stack: Stack, slug: str) -> None:
    stack.stop_worker()
    for number in range(10):
        stack.put(slug, f"d{number}", title="Note", body=body(number))
    assert stack.broker.double(copies=2) >= 1
    stack.start_worker()
    stack.wait_indexed(slug)
    time.sleep(1)  # the copies arrive after the work is done
    assert_each_found_once(stack, slug, 10)


def test_a_worker_killed_twice_in_the_middle_of_two_hundred_saves_loses_nothing(stack: Stack, slug: str) -> None:
    for number in range(200):
        stack.put(slug, f"d{number}", title="Note", body=body(number))
        if number in (60, 140):
            stack.kill_worker()
        if number == 100:
            stack.start_worker()
    stack.start_worker()
    stack.wait_indexed(slug)
    assert_each_found_once(stack, slug, 200)


def test_searching_goes_on_while_the_worker_is_dead(stack: Stack, slug: str) -> None:
    stack.put(slug, "d0", title="Note", body=body(0))
    stack.wait_indexed(slug)
    stack.kill_worker()
    stack.put(slug, "d1", title="Note", body=body(1))
    assert stack.found("marker0000", slug, mode="lexical") == ["d0"]
