"""What one process does in a cell of the fault matrix: makes an installation, works on it until a fault, judges it.

Each runs in a process of its own that Django was set up in but that has touched neither a database nor an index
(multiprocessing's forkserver), so that a kill is a kill and a stop is a stop.
"""

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import faiss  # noqa: F401 - imported once, before all the processes that need it
import numpy.ma  # noqa: F401
from django.apps import apps

if not apps.ready:
    os.environ["DJANGO_SETTINGS_MODULE"] = "semsearch_project.settings.test"
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from search import failpoints
from search.conf import conf
from search.engines import faiss_checkpoint
from search.health import readiness
from search.indexing import lifecycle, requests, retention
from search.indexing.checking import check
from search.indexing.sweep import collections_with_work, sweep
from search.models import Collection, Document, IndexVersion, PendingChange
from search.query_service import search

DOCUMENTS = 90
TIGHT: dict[str, Any] = {
    "ENCODER_RUNTIME": "fake",
    "TAIL_MAX_ROWS": 20,
    "MERGE_FANOUT": 100,
    "LEASE_SECONDS": 0.7,
    "RETRY_SECONDS": 0.05,
    "PRUNE_AFTER_SECONDS": 0.0,
    "KEEP_VERSIONS": 9,
}


def begin(name: str, folder: Path, values: dict[str, Any], fault: str = "") -> None:
    """Be a new process of the installation in `folder`, and do what `name` says; its outcome is in outcome.json."""
    log = (folder / "log").open("a", buffering=1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    connections.settings["default"]["NAME"] = str(folder / "semsearch.sqlite3")
    settings.SEMSEARCH = {**settings.SEMSEARCH, **TIGHT, **values, "DATA_DIR": folder}
    faiss_checkpoint.EVERY_SECONDS = 0.0
    faiss_checkpoint._SHARE_OF_TIME = 0
    if fault:
        os.environ[failpoints.VARIABLE] = fault
    try:
        outcome = WORK[name]()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    (folder / "outcome.json").write_text(json.dumps(outcome))
    connections.close_all()
    os._exit(0)


def make() -> None:
    """An installation with a retired version 1, an active version 2 and one document waiting for nothing."""
    call_command("migrate", verbosity=0)
    collection = Collection.objects.create(slug="docs", name="Docs")
    add(collection, DOCUMENTS)
    sweep()
    requests.request_rebuild(collection)
    sweep()
    assert [v.state for v in collection.index_versions.order_by("number")] == ["retired", "active"]


def add(collection: Collection, count: int) -> None:
    """Add documents whose bodies have one word each that nothing else has."""
    have = Document.objects.count()
    rows = [
        Document(collection=collection, external_id=f"d{n}", title=f"Title {n}", body=f"penguin number{n}x")
        for n in range(have, have + count)
    ]
    Document.objects.bulk_create(rows)


def prepare_apply() -> None:
    """Edits, a deletion and additions, fewer than make a segment."""
    add(Collection.objects.get(), 3)
    Document.objects.filter(external_id="d1").update(body="elephant edited1x")
    Document.objects.filter(external_id="d2").update(title="Another")
    Document.objects.filter(external_id="d3").delete()


def prepare_seal() -> None:
    """As many additions as make a segment."""
    add(Collection.objects.get(), 25)


def prepare_merge() -> None:
    """Four small segments."""
    for _ in range(4):
        add(Collection.objects.get(), 21)
        sweep()


def prepare_build() -> None:
    """A candidate of a type that has to be trained."""
    Collection.objects.update(engine_options={"index_type": "IVFFlat"})
    requests.request_rebuild(Collection.objects.get())


def prepare_nothing() -> None:
    """Everything is as it was made."""


def prepare_rollback() -> None:
    """Something that version 1 has missed."""
    prepare_apply()
    sweep()


def work() -> None:
    """What the worker does; like it, go on after an error."""
    wake_up(sweep)


def roll_back() -> None:
    """What the button does, then the worker."""
    version = IndexVersion.objects.get(number=1)
    if version.state == IndexVersion.State.RETIRED:
        wake_up(lambda: lifecycle.roll_back(version))
    wake_up(sweep)


def prune() -> None:
    """What the button does, then the worker."""
    version = IndexVersion.objects.get(number=1)
    if version.pruned_at is None:
        wake_up(lambda: retention.prune(version))
    wake_up(sweep)


def wake_up(task: Callable[[], object]) -> None:
    """Run a task as Celery does: an exception is logged and the worker lives on."""
    try:
        task()
    except Exception:
        traceback.print_exc()


def settle(seconds: float = 25.0) -> bool:
    """Sweep until nothing is left to do; tell whether that came to pass."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        wake_up(sweep)
        if not collections_with_work() and not PendingChange.objects.waiting().exists():
            return True
        time.sleep(0.1)
    return False


def searches() -> list[str]:
    """Search with both legs as a process that has just started; return what is wrong."""
    found = search("penguin number7x", k=5)
    wrong = [f"degraded: {found.degraded}"] if found.degraded else []
    if not found.results or found.results[0].external_id != "d7":
        wrong.append(f"found {[result.external_id for result in found.results]}")
    return wrong


def judge() -> list[str]:
    """Settle and return everything that is not as it should be."""
    wrong = [] if settle() else [f"not settled: {collections_with_work()}, {list(PendingChange.objects.values())}"]
    for version in IndexVersion.objects.filter(pruned_at=None).exclude(state=IndexVersion.State.FAILED):
        report = check(version)
        if not report.clean:
            wrong.append(str(report))
    wrong += [f"failed: {row}" for row in PendingChange.objects.failed().values()]
    active = Collection.objects.get().active_version()
    if active is None or active.documents != Document.objects.published().count():
        wrong.append(f"{active} has not every document")
    wrong += searches()
    for document in Document.objects.order_by("-pk")[:3]:
        word = document.body.split()[-1]
        if [result.external_id for result in search(word, mode="lexical").results] != [document.external_id]:
            wrong.append(f"{document.external_id} is not found by {word}")
    stale = search("number1x", mode="lexical").results if document_changed() else ()
    return wrong + [f"stale: {result.external_id}" for result in stale]


def document_changed() -> bool:
    """Whether this installation's first edit was made."""
    return Document.objects.filter(body="elephant edited1x").exists()


def full_disk() -> list[str]:
    """The index's disk is full for a while: indexing says so and waits, searching goes on, nothing is lost."""
    make()
    collection = Collection.objects.get()
    wrong = []
    ballast = conf().index_dir / "ballast"
    fill(ballast)
    add(collection, 30)
    requests.request_rebuild(collection)
    for _ in range(5):  # more often than a document has attempts
        wake_up(sweep)
        wrong += searches()
    active = collection.active_version()
    if active is None or "is full" not in active.last_error:
        wrong.append(f"the state is not clear: {active and active.last_error!r}")
    states = [check.finding.state for check in readiness(now=timezone.now()) if check.name == "indexing"]
    if states != ["warn"]:
        wrong.append(f"the health report says {states}")
    if PendingChange.objects.failed().exists() or not PendingChange.objects.waiting().exists():
        wrong.append(f"the queue is {list(PendingChange.objects.values())}")
    ballast.unlink()
    wrong += judge()
    active = collection.active_version()
    if active is None or active.last_error or active.number != 3:
        wrong.append(f"{active} says {active and active.last_error!r}")
    return wrong


def fill(ballast: Path) -> None:
    """Use up every byte of a disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


WORK: dict[str, Callable[[], Any]] = {
    f.__name__: f
    for f in (
        make, prepare_apply, prepare_seal, prepare_merge, prepare_build, prepare_nothing, prepare_rollback,
        work, roll_back, prune, settle, searches, judge, full_disk,
    )
}  # fmt: skip
