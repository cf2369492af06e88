"""Every failpoint, at every step that comes to it, with every fault: all versions are usable afterwards.

A cell is a process that meets the fault, searches by another process, and a third one that is the restarted worker.
A stopped process is taken over from while it hangs, and woken up afterwards: it must not write any more.

A failpoint that an earlier step came to is met by a kill only; SEMSEARCH_TEST_FULL=1 meets every fault at every step.
"""

import contextlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

from search.failpoints import NAMES
from tests.journeys import fault_cells
from tests.journeys.stack import FULL

pytestmark = pytest.mark.timeout(900)

FAULTS = ("kill", "error", "eio", "enospc", "hang")
_APPLY = ("apply.claimed", "apply.chunked", "apply.encoded", "apply.before_commit", "apply.committed", "apply.done")
_LEXICAL = ("lexical.written", "lexical.published", "lexical.committed")
_SEAL = ("build.tuned", "seal.before_write", "seal.written", "seal.before_commit", "seal.committed")
_BUILD = ("version.created", "fill.committed", "build.trained", "build.checkpoint", "build.checkpointed")
_JUDGE = (
    "measure.step",
    "measure.kept",
    "ready.committed",
    "gate.judged",
    "publish.before_commit",
    "publish.committed",
)
# step → how it is prepared, what then runs, settings of that process, the failpoints that it comes to
STEPS: dict[str, tuple[str, str, dict[str, Any], tuple[str, ...]]] = {
    "apply": ("prepare_apply", "work", {}, _APPLY + _LEXICAL),
    "seal": ("prepare_seal", "work", {}, _SEAL),
    "merge": ("prepare_merge", "work", {"MERGE_FANOUT": 3}, _SEAL),
    "build": ("prepare_build", "work", {}, _BUILD + _SEAL),
    "publish": ("prepare_build", "work", {}, _JUDGE),
    "rollback": (
        "prepare_rollback",
        "roll_back",
        {},
        # What it replays is applied as ever.
        ("rollback.before_commit", "rollback.committed", *(_APPLY + _LEXICAL if FULL else ())),
    ),
    "prune": ("prepare_nothing", "prune", {}, ("prune.committed", "prune.deleted")),
}
_IN_A_TRANSACTION = ("rollback.before_commit",)  # on SQLite nobody else writes meanwhile
_SECONDS = 60


def faults_at(step: str, name: str) -> tuple[str, ...]:
    """Return the faults that a failpoint meets at a step."""
    earlier = itertools.takewhile(lambda other: other != step, STEPS)
    return ("kill",) if not FULL and any(name in STEPS[other][3] for other in earlier) else FAULTS


class Installation:
    """A folder with a database and an index, and the processes that work on it."""

    def __init__(self, folder: Path, values: dict[str, Any]) -> None:
        self.folder = folder
        self.values = values
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.journeys.fault_cells"])

    def start(self, name: str, fault: str = "") -> BaseProcess:
        """Start a process that does `name`."""
        process = self._processes.Process(target=fault_cells.begin, args=(name, self.folder, self.values, fault))
        process.start()
        return process

    def do(self, name: str, fault: str = "", *, code: int = 0) -> Any:
        """Let a process do `name`; fail unless it ends as expected. Returns its outcome."""
        (self.folder / "outcome.json").unlink(missing_ok=True)
        process = self.start(name, fault)
        process.join(_SECONDS)
        if process.is_alive():
            process.kill()
        assert process.exitcode == code, f"{name} {fault} ended with {process.exitcode}:\n{self.log()}"
        return json.loads((self.folder / "outcome.json").read_text()) if code == 0 else None

    def log(self) -> str:
        """The end of what the processes said."""
        return (self.folder / "log").read_text()[-3000:]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation to be copied."""
    folder = tmp_path_factory.mktemp("faults") / "template"
    folder.mkdir()
    with environment(folder):
        Installation(folder, {}).do("make")
    return folder


@contextlib.contextmanager
def environment(folder: Path) -> Iterator[None]:
    """The variables that the first process of a forkserver takes its settings from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMSEARCH_DATA_DIR", str(folder))
        patch.delenv("DATABASE_URL", raising=False)
        yield


@pytest.fixture(scope="module")
def prepared(template: Path) -> dict[str, Path]:
    """A copy of the template for each step, prepared up to the moment before it."""
    folders = {}
    for step, (prepare, _, _, _) in STEPS.items():
        folder = template.with_name(f"before-{step}")
        shutil.copytree(template, folder)
        Installation(folder, {}).do(prepare)
        folders[step] = folder
    return folders


def meet(installation: Installation, work: str, name: str, fault: str) -> None:
    """Let a process meet the fault at the failpoint; fail unless it really did."""
    if fault == "kill":
        installation.do(work, f"{name}=kill", code=-signal.SIGKILL)
        return
    if fault != "hang":
        installation.do(work, f"{name}={fault}")
        said = {"error": f"failpoint {name}", "eio": "Input/output error", "enospc": "No space left"}[fault]
        assert said in installation.log(), f"{name} was not reached"
        return
    process = installation.start(work, f"{name}=hang")
    wait_stopped(process, installation)
    assert installation.do("searches") == []
    if name in _IN_A_TRANSACTION:
        process.kill()
    else:
        assert installation.do("settle"), f"nobody took over: {installation.log()}"
        os.kill(process.pid or 0, signal.SIGCONT)
    process.join(_SECONDS)
    assert process.exitcode in (0, -signal.SIGKILL), installation.log()


def wait_stopped(process: BaseProcess, installation: Installation) -> None:
    deadline = time.monotonic() + _SECONDS
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert process.is_alive(), f"the failpoint was not reached:\n{installation.log()}"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("step", STEPS)
def test_every_fault_at_every_failpoint_leaves_all_versions_usable(
    step: str, prepared: dict[str, Path], tmp_path: Path
) -> None:
    _, work, values, names = STEPS[step]
    survived, cells, wrong = 0, 0, []
    for name in names:
        for fault in faults_at(step, name):
            cells += 1
            folder = tmp_path / f"{name}-{fault}"
            shutil.copytree(prepared[step], folder)
            installation = Installation(folder, values)
            try:
                meet(installation, work, name, fault)
                problems = installation.do("searches") if fault == "kill" else []
                if step in ("rollback", "prune"):
                    installation.do(work)
                problems += installation.do("judge")
            except AssertionError as error:
                problems = [str(error)]
            survived += not problems
            wrong += [f"{name}={fault}: {problem}" for problem in problems]
            shutil.rmtree(folder)
    print(f"\n{step}: {survived} of {cells} cells")  # noqa: T201
    assert not wrong, "\n\n".join(wrong)


def test_every_failpoint_has_its_step() -> None:
    assert {name for _, _, _, names in STEPS.values() for name in names} == set(NAMES)
