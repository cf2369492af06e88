"""The launcher: real processes start, come back when they die, and all end with it, however it ends."""

import os
import pty
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from semsearch_project import launch

LAUNCHER = """
    import sys
    from semsearch_project.launch import Launcher, Program
    programs = [Program(name, [sys.executable, "-c", code]) for name, code in {programs!r}.items()]
    sys.exit(Launcher(programs).run())
"""
# A program that has a child of its own, as gunicorn has; both write their ids.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}} {{child.pid}}\\n")
time.sleep(600)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + FAMILY


class Run:
    """A launcher in a process of its own, with one program that writes its ids to a file."""

    def __init__(self, folder: Path, program: str = FAMILY, stdin: int = subprocess.DEVNULL) -> None:
        self.pids = folder / "pids"
        self.output = folder / "output"
        source = LAUNCHER.format(programs={"family": program.format(pids=str(self.pids))})
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(source)],
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup
            )

    def family(self, generation: int = 1) -> list[int]:
        """Return the ids of the program and its child in their n-th life, when they have written them."""
        eventually(lambda: self.pids.exists() and len(self.pids.read_text().splitlines()) >= generation)
        return [int(pid) for pid in self.pids.read_text().splitlines()[generation - 1].split()]


@pytest.fixture
def launch_program(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**options: Any) -> Run:
        runs.append(Run(tmp_path, **options))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()


def eventually(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_launcher_ends_every_program_and_its_children(
    launch_program: Callable[..., Run], number: signal.Signals
) -> None:
    run = launch_program()
    family = run.family()
    run.process.send_signal(number)
    assert run.process.wait(10) == 0
    assert [pid for pid in family if alive(pid)] == []


def test_a_closed_terminal_ends_everything_though_no_signal_comes(launch_program: Callable[..., Run]) -> None:
    ours, theirs = pty.openpty()
    run = launch_program(stdin=theirs)
    os.close(theirs)
    family = run.family()
    os.close(ours)
    assert run.process.wait(10) == 0
    assert [pid for pid in family if alive(pid)] == []


def test_a_pipe_that_ends_is_no_closed_terminal(launch_program: Callable[..., Run]) -> None:
    run = launch_program(stdin=subprocess.PIPE)
    assert run.process.stdin is not None
    run.process.stdin.close()
    program = run.family()[0]
    time.sleep(3 * launch.TICK_SECONDS)
    assert alive(program)


def test_a_killed_launcher_leaves_no_program_behind(launch_program: Callable[..., Run]) -> None:
    run = launch_program()
    program = run.family()[0]
    run.process.kill()
    eventually(lambda: not alive(program))


def test_a_second_signal_kills_a_program_that_does_not_listen(launch_program: Callable[..., Run]) -> None:
    run = launch_program(program=DEAF)
    family = run.family()
    run.process.terminate()
    eventually(lambda: "stopping" in run.output.read_text())
    run.process.terminate()
    assert run.process.wait(launch.STOP_SECONDS / 2) == 0
    assert [pid for pid in family if alive(pid)] == []


def test_a_killed_program_starts_again_and_its_children_are_cleared(launch_program: Callable[..., Run]) -> None:
    run = launch_program()
    first = run.family()
    os.kill(first[0], signal.SIGKILL)
    second = run.family(generation=2)
    assert [pid for pid in first if alive(pid)] == []
    assert all(alive(pid) for pid in second)
    assert "family ended (killed by SIGKILL); starting it again in 1 s." in run.output.read_text()


def test_a_program_that_keeps_failing_waits_longer_each_time() -> None:
    program = launch.Program("web", [sys.executable, "-c", "raise SystemExit(3)"])
    delays = []
    for _attempt in range(8):
        program.start(now=100.0)
        assert program.process is not None
        program.process.wait()
        program.note_end(now=100.0)
        delays.append(program.due - 100.0)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_program_that_ran_well_for_a_while_starts_again_at_once() -> None:
    program = launch.Program("web", [sys.executable, "-c", ""], failures=5)
    program.start(now=100.0)
    assert program.process is not None
    program.process.wait()
    program.note_end(now=100.0 + launch.STABLE_SECONDS + 1)
    assert program.due == 100.0 + launch.STABLE_SECONDS + 2


def test_a_one_shot_program_reports_success_once_and_stays_ended() -> None:
    done: list[str] = []
    program = launch.Program("sample", [sys.executable, "-c", ""], restart=False, on_success=lambda: done.append("x"))
    program.start(now=0.0)
    assert program.process is not None
    program.process.wait()
    program.note_end(now=1.0)
    program.note_end(now=2.0)
    assert (done, program.due) == (["x"], float("inf"))


def test_a_one_shot_program_that_failed_reports_no_success() -> None:
    done: list[str] = []
    program = launch.Program(
        "sample", [sys.executable, "-c", "raise SystemExit(1)"], restart=False, on_success=lambda: done.append("x")
    )
    program.start(now=0.0)
    assert program.process is not None
    program.process.wait()
    program.note_end(now=1.0)
    assert (done, program.due) == ([], float("inf"))


def test_a_port_in_use_is_named_with_the_way_out_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert launch.main(["--port", str(port)]) == 1
    printed = capsys.readouterr().err
    assert f"port {port}" in printed
    assert f"make run PORT={port + 1}" in printed


def test_a_port_that_does_not_exist_is_a_message_and_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--port", "70000", "--check"]) == 1
    assert "make run PORT=8000" in capsys.readouterr().err


def test_a_free_port_passes_the_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert launch.main(["--port", str(port), "--check"]) == 0


def test_programs_run_offline_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert launch.Program("web", []).environment["HF_HUB_OFFLINE"] == "1"
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert launch.Program("web", []).environment["HF_HUB_OFFLINE"] == "0"


def test_the_sample_counts_as_loaded_only_in_its_own_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEMSEARCH_DATA_DIR", str(tmp_path))
    done = launch.sample_program().on_success
    assert done is not None
    assert not launch.sample_stamp().exists()
    done()
    assert launch.sample_stamp() == tmp_path / "sample_loaded"
    assert launch.sample_stamp().exists()
