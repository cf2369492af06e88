"""Documents are edited, deleted and added while a candidate is built: nothing is lost in either version.

As many as CI has time for; `JOURNEY_DOCUMENTS=20000` asks for more, and for the deterministic encoder then. The
parts stay the same: of 20,000 documents 500 are edited, 200 deleted, 300 added.
"""

import json
import os

import pytest

from tests.journeys.stack import Stack
from tests.journeys.versions import FINE, NO_DIFFERENCES, Versions
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(3600)

DOCUMENTS = int(os.environ.get("JOURNEY_DOCUMENTS", "400"))
ENCODER = "fake" if "JOURNEY_DOCUMENTS" in os.environ else ""
EDITED, DELETED, ADDED = DOCUMENTS * 5 // 200, DOCUMENTS * 2 // 200, DOCUMENTS * 3 // 200
BUILD_SECONDS = 60 + DOCUMENTS / 10
# Small batches, so that a small build, too, has many moments at which something can change.
SMALL_BATCHES = {"SEMSEARCH_APPLY_BATCH_DOCUMENTS": str(max(8, DOCUMENTS // 300))}
SETUP = """
from search.models import Collection, Document
collection = Collection.objects.get(slug={slug!r})
Document.objects.bulk_create([
    Document(collection=collection, external_id=f"d{{n}}", title=f"Note {{n}}", body=(
        f"This is note number {{n}}, filed under marker{{n:05}} by a careful clerk who checks every shelf twice. "
        f"Whoever looks for subject {{n * 7 % 1000}} reads it first, and then asks the clerk about the next one."))
    for n in range({count})], batch_size=500)
"""


@pytest.fixture
def versions(stack: Stack, slug: str) -> Versions:
    """A live version of many short documents, and a worker that works in small batches."""
    found = Versions(stack, slug)
    if ENCODER:
        found.build(encoder_runtime=ENCODER)
    stack.shell(SETUP.format(slug=slug, count=DOCUMENTS))
    stack.wait_indexed(slug, BUILD_SECONDS)
    stack.stop_worker()
    stack.start_worker(env=SMALL_BATCHES)
    return found


def write(stack: Stack, slug: str, part: int) -> None:
    """Do the `part`th of the writes: edits from the front, deletions from the back, additions behind."""
    if part < EDITED:
        stack.put(slug, f"d{part}", title=f"Note {part}", body=f"Rewritten meanwhile, as edited{part:05}.")
    if part < DELETED:
        address = f"/api/v1/collections/{slug}/documents/d{DOCUMENTS - 1 - part}/"
        assert stack.api.send("DELETE", address).status == 204
    if part < ADDED:
        stack.put(slug, f"new{part}", title=f"New {part}", body=f"Written meanwhile, as added{part:05}.")


def problems(stack: Stack, slug: str) -> list[str]:
    """Return what a search for each document that was written does not find as it should."""
    wanted = {f"edited{n:05}": [f"d{n}"] for n in range(EDITED)}
    wanted |= {f"added{n:05}": [f"new{n}"] for n in range(ADDED)}
    wanted |= {f"marker{n:05}": [] for n in range(EDITED)}
    wanted |= {f"marker{DOCUMENTS - 1 - n:05}": [] for n in range(DELETED)}
    wanted |= {f"marker{n:05}": [f"d{n}"] for n in range(EDITED, EDITED + 20)}
    return [word for word, found in wanted.items() if stack.found(f'"{word}"', slug, mode="lexical", k=3) != found]


def clean(stack: Stack, slug: str) -> bool:
    """Ask the command that compares everything."""
    reports = json.loads(stack.manage("check_index", "--collection", slug, "--format", "json"))
    return all(report["clean"] for report in reports)


def test_nothing_that_is_written_while_a_candidate_is_built_is_lost_in_either_version(
    stack: Stack, versions: Versions
) -> None:
    slug, live = versions.slug, versions.live()
    candidate = versions.change(chunking=FINE, live=False)
    wait_until(lambda: candidate in versions.all(), seconds=30, what="the candidate exists")
    building = 0
    for part in range(EDITED):
        building += versions.get(candidate)["state"] == "building"
        write(stack, slug, part)
    assert building >= EDITED // 2, f"Only {building} of {EDITED} edits met the build"
    versions.wait(candidate, "ready", seconds=BUILD_SECONDS)
    stack.wait_indexed(slug)

    assert versions.differences(live) == NO_DIFFERENCES
    assert versions.differences(candidate) == NO_DIFFERENCES
    assert problems(stack, slug) == []
    answer = versions.act(candidate, "activate")  # 202: the worker has yet to judge what came last
    assert answer.status in {200, 202}, answer.text
    versions.wait(candidate, "active")
    assert problems(stack, slug) == []
    assert clean(stack, slug)
    print(f"\n{DOCUMENTS} documents on {stack.profile}: {building} of {EDITED} edits during the build, none lost")  # noqa: T201
