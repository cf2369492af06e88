"""kill -9 of the real worker where it matters most: the last good version serves on, and a restart finishes.

Every failpoint with every fault is met by the fault matrix, in processes that cost less. Each profile meets every
second one of those here; SEMSEARCH_TEST_FULL=1 meets all of them on both.
"""

import json

import pytest

from search.failpoints import VARIABLE
from tests.journeys.stack import WEB_SERVERS, Stack, share_of

pytestmark = pytest.mark.timeout(900)

NAMES = (
    "apply.claimed",
    "apply.encoded",
    "apply.committed",
    "lexical.written",
    "lexical.published",
    "apply.done",
    "seal.written",
    "seal.before_commit",
    "seal.committed",
    "fill.committed",
    "measure.step",
    "publish.before_commit",
    "publish.committed",
)
_AT_A_REBUILD = ("fill", "measure", "publish")

# Small enough that a handful of documents seals and merges; attempts are counted at each kill, on purpose.
TIGHT = {"SEMSEARCH_TAIL_MAX_ROWS": "3", "SEMSEARCH_MERGE_FANOUT": "2", "SEMSEARCH_MAX_ATTEMPTS": "100"}


def change_the_corpus(stack: Stack, slug: str, number: int, name: str) -> None:
    """An edit, enough new documents for a seal, and a rebuild for what happens only at a publish."""
    stack.put(slug, "edited", title="Edited", body=f"This is text number{number} of many.")
    for part in range(4):
        stack.put(slug, f"new-{number}-{part}", title="New", body=f"A new document, new{number}part{part}.")
    if name.startswith(_AT_A_REBUILD):
        stack.shell(
            "from search.tasks import request_rebuild; from search.models import Collection;"
            f"request_rebuild(Collection.objects.get(slug={slug!r}))"
        )


def test_the_worker_may_be_killed_anywhere(stack: Stack, slug: str) -> None:
    stack.put(slug, "first", title="First", body="A lighthouse keeper writes his first report.")
    stack.wait_indexed(slug)
    names = share_of(NAMES, stack.profile)
    for number, name in enumerate(names):
        stack.kill_worker()
        stack.start_worker(env={**TIGHT, VARIABLE: f"{name}=kill"})
        change_the_corpus(stack, slug, number, name)
        stack.wait_worker_ended()
        for web in range(WEB_SERVERS):
            assert "first" in stack.found("lighthouse keeper", slug, web=web), name
    stack.start_worker(env=TIGHT)
    stack.wait_indexed(slug)
    report = json.loads(stack.manage("check_index", "--collection", slug, "--format", "json"))[0]
    assert report["clean"], report
    assert report["documents"] == 2 + 4 * len(names)
    for number in range(len(names)):
        for web in range(WEB_SERVERS):
            assert stack.found(f"new{number}part3", slug, web=web, mode="lexical") == [f"new-{number}-3"]
    assert stack.found(f"number{len(names) - 1}", slug, mode="lexical") == ["edited"]
    assert stack.found('"number0"', slug, mode="lexical") == []
    print(f"\n{len(names)} of {len(NAMES)} failpoints survived on {stack.profile}")  # noqa: T201
