"""A build that is killed goes on where it was; lost files come back from the database; nothing is encoded twice."""

import json
import shutil

import pytest

from search.failpoints import VARIABLE
from tests.journeys.stack import WEB_SERVERS, Stack, share_of
from tests.journeys.versions import FINE, NO_DIFFERENCES, Versions
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(900)

DOCUMENTS = 40
SMALL_BATCHES = {"SEMSEARCH_APPLY_BATCH_DOCUMENTS": "8", "SEMSEARCH_MAX_ATTEMPTS": "100"}
BODY = (
    "The keeper of marker{0:05} winds the clockwork every evening before the ships come in. "
    "On stormy nights nobody in village number {0} goes to bed before the lamp is lit. "
    "The oldest of them says that subject {0} was always like this, and always will be."
)


@pytest.fixture
def versions(stack: Stack, slug: str) -> Versions:
    """A live version of some documents of one chunk each."""
    for number in range(DOCUMENTS):
        stack.put(slug, f"d{number}", title=f"Note {number}", body=BODY.format(number))
    stack.wait_indexed(slug)
    return Versions(stack, slug)


def assert_found(stack: Stack, slug: str) -> None:
    """In every web process, words and meaning find what they should."""
    for web in range(WEB_SERVERS):
        for number in (0, DOCUMENTS // 2, DOCUMENTS - 1):
            assert stack.found(f"marker{number:05}", slug, web=web, mode="lexical") == [f"d{number}"]
        assert len(stack.found("a lighthouse by the sea", slug, web=web, mode="dense", k=100)) == DOCUMENTS


# In the order of a build: each kill must find the worker at a later step than the one before. Each profile meets
# every second one of them; SEMSEARCH_TEST_FULL=1 meets all of them on both.
STEPS = ["apply.claimed", "apply.encoded", "apply.committed", "lexical.published", "seal.before_write"]
STEPS += ["seal.written", "seal.before_commit", "seal.committed", "publish.before_commit"]


def test_a_build_that_is_killed_at_its_steps_ends_and_encodes_nothing_twice(stack: Stack, versions: Versions) -> None:
    slug = versions.slug
    stack.stop_worker()
    candidate = versions.change(chunking=FINE)
    steps = share_of(STEPS, stack.profile)
    for step in steps:
        stack.start_worker(env={**SMALL_BATCHES, VARIABLE: f"{step}=kill"})
        stack.wait_worker_ended()
        assert versions.live() == 1, step
        assert_found(stack, slug)
    stack.start_worker()
    versions.wait(candidate, "active")

    assert versions.differences(candidate) == NO_DIFFERENCES
    assert versions.get(candidate)["gate"]["passed"]
    texts = stack.sql(
        "SELECT count(DISTINCT c.text_hash) FROM search_chunk c JOIN search_document d ON d.id = c.document_id "
        "WHERE d.collection_id = %s",
        [stack.collection_id(slug)],
    )
    assert versions.encoded() == texts[0][0]
    assert_found(stack, slug)
    print(f"\n{len(steps)} of {len(STEPS)} kills survived by a build on {stack.profile}")  # noqa: T201


def test_a_candidate_shows_its_progress_and_can_be_cancelled(stack: Stack, versions: Versions) -> None:
    stack.kill_worker()
    stack.start_worker(env={**SMALL_BATCHES, VARIABLE: "seal.before_write=hang"})
    candidate = versions.change(chunking=FINE)
    seen: dict[str, tuple[int, int]] = {}

    def compacting() -> bool:
        progress = versions.all().get(candidate, {}).get("progress", {"phase": "none", "done": 0, "total": 0})
        seen[progress["phase"]] = (progress["done"], progress["total"])
        return bool(progress["phase"] == "compacting" or progress["phase"] == "checking")

    wait_until(compacting, seconds=60, what=f"the candidate is being compacted: {seen}")
    assert "documents" in seen
    assert 0 <= seen["documents"][0] <= seen["documents"][1] == DOCUMENTS

    answer = versions.act(candidate, "cancel")

    assert (answer.status, answer.json()["state"]) == (200, "failed")
    assert [event["kind"] for event in answer.json()["events"]][:2] == ["cancelled", "failed"]
    stack.kill_worker()
    stack.start_worker()
    stack.put(versions.slug, "after", title="After", body="Saved after the candidate was cancelled.")
    stack.wait_indexed(versions.slug)
    assert (versions.live(), versions.get(candidate)["state"]) == (1, "failed")
    assert stack.found("cancelled", versions.slug, mode="lexical") == ["after"]


def test_a_deleted_index_folder_comes_back_at_the_next_start_without_encoding(stack: Stack, versions: Versions) -> None:
    assert versions.build(chunking=FINE) == 2
    before = versions.encoded()
    stack.kill_worker()
    shutil.rmtree(stack.data_dir / "index")
    stack.start_worker()
    wait_until(lambda: whole(stack, versions.slug), seconds=45, what="the index is whole again")

    assert versions.act(1, "roll-back").status in (200, 202)  # its files were lost, too
    versions.wait(1, "active")
    wait_until(lambda: whole(stack, versions.slug), seconds=45, what="the version that was taken back is whole")
    assert versions.encoded() == before
    reports = json.loads(stack.manage("check_index", "--collection", versions.slug, "--format", "json"))
    assert [report["clean"] for report in reports] == [True], reports
    assert_found(stack, versions.slug)


def whole(stack: Stack, slug: str) -> bool:
    """Tell whether every file of the live version is there, by a look at the disk."""
    rows = stack.sql(
        "SELECT v.id, s.path FROM search_indexversion v JOIN search_collection c ON c.id = v.collection_id "
        "LEFT JOIN search_segment s ON s.version_id = v.id WHERE c.slug = %s AND v.state = 'active'",
        [slug],
    )
    folders = {pk: stack.data_dir / "index" / f"version-{pk}" for pk, _ in rows}
    files = [folders[pk] / "segments" / path for pk, path in rows if path]
    lexical = [folder / "lexical" / "work" / "meta.json" for folder in folders.values()]
    return all(path.is_file() for path in [*files, *lexical])
