"""A version that was retired is taken back: the old recipe, with today's documents."""

import os

import pytest

from tests.journeys.stack import WEB_SERVERS, Stack
from tests.journeys.versions import FINE, NO_DIFFERENCES, Versions

pytestmark = pytest.mark.timeout(1800)

EDITS = int(os.environ.get("JOURNEY_EDITS", "60"))  # 1000 takes minutes with the real encoder
DELETIONS = 5
SECONDS = 90.0 + EDITS / 2
BODY = (
    "The clerk keeps note {0} on the highest shelf, next to the window that nobody opens. "
    "It speaks of marker{0:05} and of three sisters who once sailed around the cape. "
    "Whoever reads it to the end is asked to sign the ledger with {1}."
)


@pytest.fixture
def versions(stack: Stack, slug: str) -> Versions:
    """Version 1 retired, version 2 live with many chunks a document."""
    for number in range(EDITS + DELETIONS):
        put(stack, slug, number, "ink")
    stack.wait_indexed(slug, SECONDS)
    found = Versions(stack, slug)
    assert found.build(chunking=FINE) == 2
    return found


def put(stack: Stack, slug: str, number: int, last: str) -> None:
    stack.put(slug, f"d{number}", title=f"Note {number}", body=BODY.format(number, last))


def edit_and_delete(stack: Stack, slug: str) -> None:
    """Edit all documents but a few, by SQL at once, and delete those few."""
    statement = "UPDATE search_document SET body = replace(body, 'ink', 'charcoal') WHERE collection_id = %s"
    collection = stack.collection_id(slug)
    for number in range(EDITS, EDITS + DELETIONS):
        stack.sql(
            "DELETE FROM search_document WHERE collection_id = %s AND external_id = %s", [collection, f"d{number}"]
        )
    stack.sql(statement, [collection])
    stack.wait_indexed(slug, SECONDS)


def chunks_of_each(versions: Versions, number: int) -> set[int]:
    """Return how many chunks the version has of a document."""
    places = versions.places(number)
    documents = {place[0] for place in places}
    return {sum(place[0] == document for place in places) for document in documents}


def test_taking_a_version_back_after_many_edits_brings_the_old_recipe_with_todays_documents(
    stack: Stack, versions: Versions
) -> None:
    slug = versions.slug
    edit_and_delete(stack, slug)
    assert versions.missed(1) == {"changed": EDITS, "gone": DELETIONS, "total": EDITS + DELETIONS}

    answer = versions.act(1, "roll-back")

    assert (answer.status, answer.json()["missed"]["total"]) == (202, EDITS + DELETIONS)
    versions.wait(1, "active", seconds=SECONDS)
    assert chunks_of_each(versions, 1) == {1}
    assert chunks_of_each(versions, 2) > {1} or 1 not in chunks_of_each(versions, 2)
    assert versions.differences(1) == NO_DIFFERENCES
    for web in range(WEB_SERVERS):
        assert len(stack.found("charcoal", slug, web=web, mode="lexical", k=100)) == min(EDITS, 100)
        assert stack.found("ink", slug, web=web, mode="lexical") == []
        assert stack.found(f'"marker{EDITS:05}"', slug, web=web, mode="lexical") == []
    print(f"\n{EDITS} edits and {DELETIONS} deletions replayed on {stack.profile}")  # noqa: T201


def test_what_is_saved_while_a_version_is_being_taken_back_is_in_it(stack: Stack, versions: Versions) -> None:
    slug = versions.slug
    edit_and_delete(stack, slug)
    assert versions.act(1, "roll-back").status == 202
    for number in range(20):
        put(stack, slug, number, "chalk")
        stack.put(slug, f"late{number}", title="Late", body=f"Came late, as late{number:05}.")
    versions.wait(1, "active", seconds=SECONDS)
    stack.wait_indexed(slug, SECONDS)
    assert versions.differences(1) == NO_DIFFERENCES
    assert len(stack.found("chalk", slug, mode="lexical", k=100)) == 20
    assert [stack.found(f"late{n:05}", slug, mode="lexical") for n in range(20)] == [[f"late{n}"] for n in range(20)]


def test_taking_back_can_be_cancelled_and_the_live_version_goes_on(stack: Stack, versions: Versions) -> None:
    slug = versions.slug
    stack.kill_worker()  # so that the rollback is still under way when it is cancelled
    put(stack, slug, 0, "chalk")
    assert versions.act(1, "roll-back").status == 202
    assert versions.get(1)["state"] == "building"

    assert versions.act(1, "cancel").status == 200

    stack.start_worker()
    stack.wait_indexed(slug)
    assert {number: version["state"] for number, version in versions.all().items()} == {1: "retired", 2: "active"}
    assert stack.found("chalk", slug, mode="lexical") == ["d0"]
    assert versions.missed(1) == {"changed": 1, "gone": 0, "total": 1}


def test_taking_back_replaces_a_candidate(stack: Stack, versions: Versions) -> None:
    candidate = versions.change(chunking={"max_tokens": 40}, live=False)
    versions.wait(candidate, "ready")

    versions.act(1, "roll-back")

    versions.wait(1, "active", seconds=SECONDS)
    found = versions.get(candidate)
    assert (found["state"], found["last_error"]) == ("failed", "Superseded by the rollback to version 1.")
