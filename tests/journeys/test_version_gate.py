"""A candidate that may not go live: it says why, the live one serves, and an override is on record."""

import pytest

from tests.journeys.stack import ADMIN, Stack
from tests.journeys.versions import FINE, Versions
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(600)

LONG = "The lighthouse keeper winds the clockwork again. " * 60
REASON = "The long one is only an appendix; we need the new chunks today."


@pytest.fixture
def versions(stack: Stack, slug: str) -> Versions:
    """A live version that has everything, and a worker that cannot index its longest document any more."""
    stack.put(slug, "short", title="Short", body="The baker lets the dough rise for two hours.")
    stack.put(slug, "long", title="Long", body=LONG)
    stack.wait_indexed(slug)
    stack.stop_worker()
    stack.start_worker(env={"SEMSEARCH_MAX_DOCUMENT_CHARS": "1000", "SEMSEARCH_MAX_ATTEMPTS": "1"})
    return Versions(stack, slug)


def refused(versions: Versions) -> int:
    """Build a candidate that its gate refuses; return its number."""
    candidate = versions.change(chunking=FINE)
    versions.wait(candidate, "ready")
    wait_until(lambda: bool((versions.get(candidate)["gate"] or {}).get("current")), seconds=60, what="it is judged")
    return candidate


def test_a_candidate_that_lacks_a_document_is_refused_with_the_reason_and_the_live_one_serves(
    stack: Stack, versions: Versions
) -> None:
    candidate = refused(versions)

    answer = versions.act(candidate, "activate")

    assert answer.status == 409, answer.text
    assert "1 of 2 documents" in answer.json()["detail"]
    gate = versions.get(candidate)["gate"]
    assert [check["name"] for check in gate["checks"] if not check["passed"]] == ["coverage"]
    assert versions.live() == 1
    assert stack.found("clockwork", versions.slug, mode="lexical") == ["long"]


def test_an_override_puts_it_live_and_is_recorded_with_who_and_why(stack: Stack, versions: Versions) -> None:
    candidate = refused(versions)

    answer = versions.act(candidate, "activate", {"override_reason": REASON})

    assert (answer.status, versions.live()) == (200, candidate), answer.text
    event = answer.json()["events"][0]
    assert (event["kind"], event["by"], event["reason"]) == ("overridden", ADMIN[0], REASON)
    assert stack.found("dough", versions.slug, mode="lexical") == ["short"]


def test_once_the_document_is_mended_the_candidate_goes_live_by_itself(stack: Stack, versions: Versions) -> None:
    candidate = refused(versions)

    stack.put(versions.slug, "long", title="Long", body="The lighthouse keeper winds the clockwork.")

    versions.wait(candidate, "active")
    assert stack.found("clockwork", versions.slug, mode="lexical") == ["long"]
