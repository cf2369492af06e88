"""Runs the embedded installation: starts web and worker, keeps them running, leaves nothing behind.

`make run` calls it. Each program has a process group of its own; a program that ends is started again,
and whatever ends the launcher ends them too: Ctrl-C, SIGTERM, SIGHUP and, on Linux, kill -9. It needs
the standard library only and never touches the database.
"""

import argparse
import contextlib
import ctypes
import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

BASE_DIR = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0
TICK_SECONDS = 0.2
PROBE_SECONDS = 1.0
STABLE_SECONDS = 60.0
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
PR_SET_PDEATHSIG = 1
DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}


def say(message: str) -> None:
    """Tell the person at the terminal, if there still is one."""
    with contextlib.suppress(OSError):
        print(f"semsearch: {message}", flush=True)


def die_with(parent_pid: int) -> None:
    """Make the kernel send this process SIGTERM when its parent `parent_pid` ends (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # it ended before the line above
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Program:
    """One program and what has become of it. `due` is the monotonic time of its next start."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: {**DEFAULTS, **os.environ})
    restart: bool = True
    due: float = 0.0
    on_success: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0

    def start(self, now: float) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches the launcher alone."""
        launcher = os.getpid()
        self.process = subprocess.Popen(
            list(self.command),
            cwd=BASE_DIR,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with(launcher),  # noqa: PLW1509  the launcher has no threads
        )
        self.started_at = now

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and to everything that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left (macOS: only zombies)
                os.killpg(self.process.pid, number)

    def note_end(self, now: float) -> None:
        """If it has ended, clear what it left and decide when it starts again."""
        if self.process is None or (code := self.process.poll()) is None:
            return
        self.signal_group(signal.SIGKILL)
        self.process = None
        self.due = float("inf")
        if self.restart:
            self.failures = 0 if now - self.started_at > STABLE_SECONDS else self.failures
            delay = BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS) - 1)]
            self.failures += 1
            self.due = now + delay
            say(f"{self.name} ended ({_ending(code)}); starting it again in {delay:.0f} s.")
        elif code != 0:
            say(f"{self.name} failed ({_ending(code)}); the next start tries again.")
        elif self.on_success is not None:
            self.on_success()


class Launcher:
    """Keeps programs running until it is told to stop."""

    def __init__(self, programs: Sequence[Program], *, url: str = "", then: Sequence[Program] = ()) -> None:
        self.programs = list(programs)
        self.then = list(then)
        self.url = url
        self.probe_at = 0.0
        self.on_terminal = os.isatty(0)
        self.signals = 0

    def run(self) -> int:
        """Start everything and stay until a signal comes; returns the exit code."""
        self._listen()
        try:
            while not self.signals and not (self.on_terminal and terminal_gone()):
                self._tick(time.monotonic())
                time.sleep(TICK_SECONDS)
        finally:
            self.stop()
        return 0

    def stop(self) -> None:
        """Ask every group to end, wait up to STOP_SECONDS or for a second signal, then kill what is left."""
        running = [program for program in self.programs if program.process is not None]
        say(f"stopping {', '.join(program.name for program in running)}.")
        for program in running:
            program.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(p.process and p.process.poll() is None for p in running):
            if self.signals > 1 or time.monotonic() > deadline:
                break
            time.sleep(TICK_SECONDS / 4)
        for program in running:
            program.signal_group(signal.SIGKILL)
            if program.process is not None:
                program.process.wait()
        say("stopped.")

    def _listen(self) -> None:
        def count(number: int, frame: FrameType | None) -> None:
            self.signals += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ignored_on_purpose = number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN  # nohup
            if not ignored_on_purpose:
                signal.signal(number, count)

    def _tick(self, now: float) -> None:
        for program in self.programs:
            program.note_end(now)
            if program.process is None and now >= program.due:
                program.start(now)
        if self.url and now >= self.probe_at:
            self._probe(now)

    def _probe(self, now: float) -> None:
        self.probe_at = now + PROBE_SECONDS
        if answers(self.url):
            say(f"the search page answers at {self.url} and the admin at {self.url}admin/ (stop with Ctrl-C).")
            self.url = ""
            self.programs += self.then


def terminal_gone() -> bool:
    """Tell whether the terminal behind standard input was closed.

    The kernel tells a session's first process only, and where that is make, make waits for the launcher.
    """
    poll = select.poll()
    poll.register(0, 0)  # no event is asked for, and a hangup is reported all the same
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def answers(url: str) -> bool:
    """Tell whether `url` answers without an error of the server."""
    try:
        with urllib.request.urlopen(url, timeout=3):  # noqa: S310  the launcher's own http address
            return True
    except urllib.error.HTTPError as problem:
        return problem.code < 500
    except (OSError, http.client.HTTPException):
        return False


def port_problem(host: str, port: int) -> str:
    """Return why nothing can listen on `port`, with the way out; empty when it is free."""
    if not 0 < port < 65536:
        return f"{port} is no port: they go from 1 to 65535. Choose one: make run PORT=8000"
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except PermissionError:
        return f"Port {port} needs more rights than this user has. Choose one above 1023: make run PORT=8000"
    except OSError as problem:
        return f"Cannot listen on {host} port {port} ({problem}). Choose another: make run PORT={_next(port)}"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the installation until it is stopped; returns the exit code."""
    parser = argparse.ArgumentParser(description="Start the search page and the worker.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--check", action="store_true", help="only tell whether the port is free")
    parser.add_argument("--sample", action="store_true", help="load the sample corpus, the first time")
    parser.add_argument("--stop-with-parent", action="store_true", help="stop when the parent process is killed")
    options = parser.parse_args(arguments)
    if problem := port_problem(options.host, options.port):
        print(problem, file=sys.stderr)
        return 1
    if options.check:
        return 0
    if options.stop_with_parent:
        die_with(os.getppid())
    sample = [sample_program()] if options.sample and not sample_stamp().exists() else []
    programs = installation(options.host, options.port)
    return Launcher(programs, url=address(options.host, options.port), then=sample).run()


def installation(host: str, port: int) -> list[Program]:
    """Return the programs of the embedded installation."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = ["-m", "gunicorn", "--config", str(BASE_DIR / "semsearch_project" / "gunicorn_conf.py"), "--bind", bind]
    worker = ["-m", "celery", "-A", "semsearch_project", "worker", "--pool=threads", "--concurrency=1"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=info"]
    return [Program("web", [sys.executable, *web]), Program("worker", [sys.executable, *worker])]


def address(host: str, port: int) -> str:
    """Return the page's address as this machine's own browser reaches it."""
    name = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host  # noqa: S104
    return f"http://{name}:{port}/"


def sample_stamp() -> Path:
    """Return the file that says that the sample was loaded: a curator who deletes it does not want it back."""
    return Path(os.environ.get("SEMSEARCH_DATA_DIR") or BASE_DIR / "var") / "sample_loaded"


def sample_program() -> Program:
    """Return the one run of load_sample; it goes on where an interrupted one stopped."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), "load_sample"]
    return Program("load_sample", command, restart=False, on_success=sample_stamp().touch)


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _next(port: int) -> int:
    return port + 1 if 1023 < port < 65535 else 8000


if __name__ == "__main__":
    sys.exit(main())
