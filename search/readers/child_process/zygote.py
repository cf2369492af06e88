"""A process that has the parsers imported and forks a child for each file: a fresh process costs milliseconds.

It is started by `exec`, so nothing of the parent's threads, secrets in its environment or open files is in it. It
never touches an untrusted byte itself: it forks, watches, ends and buries. When the parent is gone, it ends, and
the kernel ends its children.

The parent sends one message for each file, with three descriptors: the file, the pipe for the frames, and a socket.
On the socket comes how the child ended; when the parent closes it, the child is killed.
"""

import contextlib
import fcntl
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from search.readers.base import Limits
from search.readers.readers import reader_class

from . import isolation
from .child import Assignment, Surroundings, serve

MESSAGE_BYTES = 64 << 10
_LOOK_FOR_PARENT_SECONDS = 2.0
_FILE, _OUT = 3, 4  # where the child finds its descriptors; all others are closed

# What readers import when they first need it, besides their own modules. Only speed depends on it being complete.
_PARSERS: Mapping[str, tuple[str, ...]] = {
    "csv": ("search.readers.text.likely_encoding",),
    "tsv": ("search.readers.text.likely_encoding",),
    "jsonl": ("search.readers.text.likely_encoding",),
    "json": ("search.readers.text.likely_encoding", "ijson"),
    "text": ("search.readers.text.likely_encoding",),
    "xlsx": ("openpyxl", "openpyxl.reader.excel", "openpyxl.worksheet._reader", "defusedxml.ElementTree"),
    "html": ("search.readers.text.likely_encoding", "trafilatura", "lxml.html"),
    "epub": ("lxml.html", "defusedxml.ElementTree"),
    "docx": ("docx",),
    "pdf": ("pypdf",),
    "eml": ("search.readers.text.likely_encoding", "lxml.html", "trafilatura"),
}

_ALL_NEED = ("_strptime", *(f"encodings.{name}" for name in ("ascii", "cp1252", "cp437", "latin_1", "utf_16")))
# Some parsers prepare themselves at their first use: our own page, not one of somebody else's.
_TRIALS: Mapping[str, bytes] = {
    "html": b"<!DOCTYPE html><html lang=en><body><h1>Bread</h1><p>Flour, water.</p></body></html>"
}


@dataclass(slots=True)
class _Running:
    """A child that reads, and the socket on which its parent's parent waits for its end."""

    pid: int
    status: socket.socket


def main(control_fd: int) -> None:
    """Serve one parent until it is gone."""
    control = socket.socket(fileno=control_fd)
    told = json.loads(control.recv(MESSAGE_BYTES))
    project = Path(told["project"])
    packages = [path.split(".")[0] for path in told["readers"].values()]
    readable = isolation.readable_folders(["search", *packages], project)
    gauge = isolation.MemoryGauge()
    isolation.renounce(readable, project)
    _Zygote(control, told["parent"], Limits(**told["limits"]), told["readers"], readable, gauge).run()


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        parent: int,
        limits: Limits,
        readers: dict[str, str],
        readable: list[Path],
        gauge: isolation.MemoryGauge,
    ) -> None:
        self.control, self.parent, self.gauge = control, parent, gauge
        self.limits, self.readers, self.readable = limits, readers, readable
        self.warm: set[str] = set()
        self.running: dict[int, _Running] = {}  # by the descriptor of its socket
        self.poll = select.poll()
        self.ended, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run(self) -> None:
        """Fork, watch and bury until the parent is gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self.poll.register(self.control, select.POLLIN)
        self.poll.register(self.ended, select.POLLIN)
        while os.getppid() == self.parent:
            for fd, _ in self.poll.poll(_LOOK_FOR_PARENT_SECONDS * 1000):
                if fd == self.control.fileno():
                    if not self._take():
                        return
                elif fd == self.ended:
                    self._bury()
                elif fd in self.running:
                    os.kill(self.running[fd].pid, signal.SIGKILL)
                    self.poll.unregister(fd)

    def _take(self) -> bool:
        """Start a child for the next message; False when there will be none."""
        message, fds, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 3)
        if not message:
            return False
        file, out, status_fd = fds
        status = socket.socket(fileno=status_fd)
        try:
            assignment = Assignment(**json.loads(message))
            self._warm_up(assignment.format)
            pid = self._fork(file, out, assignment)
            self.running[status.fileno()] = _Running(pid, status)
            self.poll.register(status, 0)  # hung up is told in any case
        except OSError as error:  # no more processes, or no more memory
            _tell(status, {"error": str(error)})
        finally:
            os.close(file)
            os.close(out)
        return True

    def _warm_up(self, format_name: str) -> None:
        """Import what reads a format, before anything of the file is seen."""
        if not format_name or format_name in self.warm:
            return
        self.warm.add(format_name)
        with contextlib.suppress(Exception):  # the child will meet it again, and say so
            reader = reader_class(format_name, self.readers)(self.limits)
            for module in (*_ALL_NEED, *_PARSERS.get(format_name, ())):
                importlib.import_module(module)
            if format_name in _TRIALS:
                list(reader.read(io.BytesIO(_TRIALS[format_name]), PurePosixPath("trial")))
        gc.collect()
        gc.freeze()  # pages that the children share stay shared

    def _fork(self, file: int, out: int, assignment: Assignment) -> int:
        me = os.getpid()
        around = Surroundings(self.limits, self.readers, frozenset(self.warm), self.readable, self.gauge.used_bytes())
        pid = os.fork()
        if pid:
            return pid
        try:
            isolation.die_with(me)
            signal.set_wakeup_fd(-1)
            _keep_only(file, out)
            serve(_FILE, _OUT, assignment, around)
            os._exit(0)
        finally:
            os._exit(1)

    def _bury(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.ended, 4096)
        while self.running:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            fd = next(fd for fd, running in self.running.items() if running.pid == pid)
            with contextlib.suppress(KeyError):  # already hung up
                self.poll.unregister(fd)
            _tell(self.running.pop(fd).status, {"status": status, "peak_kilobytes": usage.ru_maxrss})


def _keep_only(file: int, out: int) -> None:
    """Leave a child its two descriptors, and nothing where the standard ones are."""
    spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 16) for fd in (file, out)]
    for fd, place in zip(spare, (_FILE, _OUT), strict=True):
        os.dup2(fd, place)
    os.closerange(_OUT + 1, 1 << 20)


def _tell(status: socket.socket, message: dict[str, Any]) -> None:
    with status, contextlib.suppress(OSError):
        status.send(json.dumps(message).encode())
