"""The parent's side of reading in a child process: starting it, taking its frames, knowing how it ended, ending it.

Safe in threads: no signal handlers, no fork of this process without exec, descriptors that no other child inherits.
Never waits without end, and never believes what comes through the pipe (`frames.py`).
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.readers.base import Limits, NoDocument, UnreadableFile

from . import frames
from .zygote import MESSAGE_BYTES

_PROJECT = Path(__file__).resolve().parents[3]
_PIPE_BYTES = 1 << 20
_LAST_WORDS_SECONDS = 10.0
_SHUTDOWN_SECONDS = 5.0
_START = (
    "import sys; sys.path.extend(item for item in sys.argv[2:] if item not in sys.path); "
    "from search.readers.child_process.zygote import main; main(int(sys.argv[1]))"
)


class ReadersUnavailable(RuntimeError):
    """No process that reads files can be started here; no file is to blame."""


class ZygoteLost(Exception):
    """The process that children are forked from has ended; another one can be started."""


class Zygote:
    """One running zygote. Starting one does not wait for it."""

    def __init__(self, limits: Limits, readers: Mapping[str, str]) -> None:
        self._using = threading.Lock()
        self._last_words: str | None = None  # of one that has ended
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = os.memfd_create("errors of readers")
        paths = [str(_PROJECT), *(path for path in sys.path if path and Path(path).is_absolute())]
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, str(theirs.fileno()), *paths]
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                cwd="/",
                env=_environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        told = {"limits": asdict(limits), "readers": dict(readers), "project": str(_PROJECT), "parent": os.getpid()}
        with contextlib.suppress(OSError):  # ended already: found out at the first file
            self._control.send(json.dumps(told).encode())

    @property
    def pid(self) -> int:
        """The process's number, for logs."""
        return self._process.pid

    def start(self, file: int, assignment: Mapping[str, Any], wall_seconds: float) -> "ReaderProcess":
        """Let a child read an open file. Raises ZygoteLost."""
        out, theirs_out = os.pipe2(os.O_CLOEXEC)
        status, theirs_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(OSError):  # an unprivileged user may have used up what pipes may take
            fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        child = ReaderProcess(out, status, wall_seconds)
        try:
            with self._using:
                socket.send_fds(
                    self._control, [json.dumps(assignment).encode()], [file, theirs_out, theirs_status.fileno()]
                )
        except OSError as error:
            child.close()
            raise ZygoteLost from error
        finally:
            os.close(theirs_out)
            theirs_status.close()
        return child

    def close(self) -> str:
        """End it, and with it every child; return how it ended and what it said last."""
        with self._using:
            if self._last_words is None:
                self._last_words = self._end()
            return self._last_words

    def _end(self) -> str:
        self._control.close()
        try:
            self._process.wait(_SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        said = os.pread(self._errors, 1 << 16, 0).decode(errors="replace").strip()
        os.close(self._errors)
        return f"exit status {self._process.returncode}. {said[-500:]}".strip()


def _environment() -> dict[str, str]:
    """Return what a reader may know of the environment: nothing that could be a secret."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent", **threads, **kept}


class ReaderProcess:
    """A child that reads one file."""

    def __init__(self, out: int, status: socket.socket, wall_seconds: float) -> None:
        self._out = out
        self._status = status
        self._wall_seconds = wall_seconds
        self.peak_bytes = 0

    def answers(self) -> Iterator[frames.Frame]:
        """Yield its frames up to the one that ends them. Raises UnreadableFile, ZygoteLost.

        Only the time spent here, waiting, counts against the clock.
        """
        deadline = _Deadline(self._wall_seconds)
        passed_over = -1
        while True:
            frame = self._next(deadline)
            if frame.kind == frames.FAILED:
                self._let_end()
                raise _failure(frame)
            if frame.kind == frames.DONE:
                self._let_end()
                return
            if frame.kind == frames.NOTES:
                pass  # no progress
            elif frame.kind != frames.RECORDS or frame.value[1]:
                deadline.begin()
            elif (progress := frames.progress_of(frame)) > passed_over:
                passed_over = progress
                deadline.begin()
            yield frame

    def _next(self, deadline: "_Deadline") -> frames.Frame:
        deadline.resume()
        try:
            frame = frames.receive(lambda size: self._read(size, deadline))
        except frames.CutOff:
            frame = None
        finally:
            deadline.pause()
        if frame is None:
            raise UnreadableFile(self._ending())
        if frame.kind == frames.RECORDS:
            frames.progress_of(frame)
        return frame

    def _let_end(self) -> None:
        """Wait for a child that has said its last word, so that none is left and its memory is known."""
        with contextlib.suppress(ZygoteLost, UnreadableFile):
            self.wait()

    def _read(self, size: int, deadline: "_Deadline") -> bytes:
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        if not poll.poll(deadline.left_milliseconds()):
            raise UnreadableFile(
                f"Reading it took longer than {deadline.seconds:,.0f} s without a result. It is perhaps damaged; "
                "save it anew, or split it."
            )
        return os.read(self._out, size)

    def _ending(self) -> str:
        """Return in words how a child ended that could not say so itself. Raises ZygoteLost."""
        told = self.wait()
        if "error" in told:
            raise ReadersUnavailable(f"No process can be started to read files: {told['error']}.")
        code = os.waitstatus_to_exitcode(int(told["status"]))
        if code == -signal.SIGXCPU:
            return "Reading it took too much computing time. It is perhaps damaged; save it anew, or split it."
        if code == -signal.SIGKILL:
            return "The system ended what was reading it, most likely for want of memory. Split it, or try again."
        if code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else ""
            return f"What reads it has crashed (signal {-code} {name}). It is perhaps damaged; save it anew."
        return f"What reads it has ended without a word (exit status {code}). It is perhaps damaged; save it anew."

    def wait(self) -> dict[str, Any]:
        """Wait for the child's end and return how it ended. Raises ZygoteLost, UnreadableFile."""
        self._status.settimeout(_LAST_WORDS_SECONDS)
        try:
            message = self._status.recv(MESSAGE_BYTES)
        except TimeoutError as error:
            raise UnreadableFile("What reads it does not end. The file is perhaps made to do harm.") from error
        except OSError as error:
            raise ZygoteLost from error
        if not message:
            raise ZygoteLost
        told: dict[str, Any] = json.loads(message)
        self.peak_bytes = int(told.get("peak_kilobytes", 0)) << 10
        return told

    def close(self) -> None:
        """End the child, if it has not ended."""
        if self._out >= 0:
            os.close(self._out)
            self._out = -1
            self._status.close()

    def __del__(self) -> None:
        self.close()


def _failure(frame: frames.Frame) -> UnreadableFile:
    value = frame.value
    if isinstance(value, dict) and isinstance(value.get("reason"), str) and isinstance(value.get("kind"), str):
        return NoDocument(value["reason"][:1_000], value["kind"][:100])
    return UnreadableFile(value[:1_000] if isinstance(value, str) and value else "It cannot be read.")


class _Deadline:
    """A clock that runs while the parent waits, and stands while it works."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._used = 0.0
        self._since = time.monotonic()

    def begin(self) -> None:
        self._used = 0.0

    def resume(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> None:
        self._used += time.monotonic() - self._since

    def left_milliseconds(self) -> int:
        left = self.seconds - self._used - (time.monotonic() - self._since)
        return max(0, int(left * 1000))
