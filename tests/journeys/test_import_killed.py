"""kill -9 of worker and web at random moments of an import: exactly the rows of the file arrive, each once.

As many as CI has time for; `JOURNEY_ROWS=5000 JOURNEY_KILLS=10` asks for more.
"""

import os
import random
from functools import partial

import pytest

from tests.journeys.stack import Stack
from tests.journeys.versions import Versions
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(1200)

ROWS = int(os.environ.get("JOURNEY_ROWS", "1000"))
KILLS = int(os.environ.get("JOURNEY_KILLS", "2"))
IMPORT_SECONDS = 120 + ROWS / 20
START = """
import json
from search import tasks
from search.ingestion import jobs
from search.models import Collection
job = jobs.create(Collection.objects.get(slug={slug!r}), source="upload", name="rows")
jobs.add_file(job, "rows.jsonl", (json.dumps({{
    "id": f"row-{{n}}", "title": f"Row {{n}}", "text": f"A row about subject{{n:05}}, one of many."}}).encode() + b"\\n"
    for n in range({rows})))
tasks.start_import(job)
print(job.pk)
"""


def state(stack: Stack, job: int) -> tuple[str, int, int]:
    """Return a job's status, how many rows were read, and how many documents they made."""
    (row,) = stack.sql("SELECT status, read, created FROM search_importjob WHERE id = %s", (job,))
    return row[0], row[1], row[2]


def has_read(stack: Stack, job: int, rows: int) -> bool:
    """Tell whether a job has read so many rows."""
    return state(stack, job)[1] >= rows


def test_an_import_that_is_killed_again_and_again_arrives_whole_and_once(stack: Stack, slug: str) -> None:
    Versions(stack, slug).build(encoder_runtime="fake")
    stack.kill_worker()
    job = int(stack.shell(START.format(slug=slug, rows=ROWS)).split()[-1])
    chance = random.Random(f"{stack.profile}{ROWS}")
    seen = []

    for after in sorted(chance.sample(range(ROWS // 20, ROWS * 9 // 10), KILLS)):
        stack.start_worker()
        wait_until(partial(has_read, stack, job, after), seconds=IMPORT_SECONDS, what=f"{after} rows were read")
        stack.kill_worker()
        stack.kill_web(0)
        seen.append(state(stack, job))

    stack.start_worker()
    wait_until(lambda: state(stack, job)[0] == "finished", seconds=IMPORT_SECONDS, what="the import is finished")
    assert state(stack, job) == ("finished", ROWS, ROWS), seen
    stack.wait_indexed(slug, IMPORT_SECONDS)
    ids = [row[0] for row in stack.sql(
        "SELECT external_id FROM search_document WHERE collection_id = %s", (stack.collection_id(slug),)
    )]  # fmt: skip
    assert (len(ids), set(ids)) == (ROWS, {f"row-{number}" for number in range(ROWS)})
    assert any(0 < read < ROWS for _, read, _ in seen), f"every kill came too late: {seen}"
    for number in (0, ROWS // 2, ROWS - 1):
        assert f"row-{number}" in stack.found(f"subject{number:05}", slug, mode="lexical")
