"""What a process that reads untrusted files gives up: network, other files, programs, memory and time without end.

Several walls, since none stands everywhere: namespaces and Landlock where the kernel allows them, resource limits
and Python's audit hook always. Each is best effort but the last two. Never call any of it in a process that is to
go on with other work: nothing here can be taken back.
"""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.readers.base import Limits

from . import landlock

_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522
_OPEN_FILES = 64
_SPARE_BYTES = 64 << 20  # on top of the limit, to say that it was reached
_SYSTEM_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")

_REFUSED_FAMILIES = (
    "socket.", "subprocess.", "shutil.", "tempfile.", "pty.", "os.exec", "os.posix_spawn", "os.spawn", "ftplib.",
    "smtplib.", "http.client.", "urllib.", "imaplib.", "poplib.", "sqlite3.", "webbrowser.",
)  # fmt: skip
_REFUSED = frozenset({
    "os.system", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.remove", "os.rename", "os.rmdir", "os.mkdir",
    "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate", "os.utime", "os.setxattr", "os.removexattr",
    "os.chflags", "os.lockf", "ctypes.dlopen", "ctypes.dlsym", "resource.prlimit", "signal.pthread_kill",
})  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(PermissionError):
    """A reader wanted something that reading a file does not need."""


def readable_folders(packages: Sequence[str], project: Path) -> list[Path]:
    """Return where code may be imported from: the interpreter's folders, and these packages of the project's.

    A project's own folder may hold its data and secrets; that of an installed one holds only packages.
    """
    folders = [Path(item) for item in sys.path if item]
    folders += [Path(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix)] + list(map(Path, _SYSTEM_FOLDERS))
    if project.name not in ("site-packages", "dist-packages"):
        folders = [folder for folder in folders if not project.is_relative_to(folder)]
    return list(dict.fromkeys([*folders, *(project / name for name in packages)]))


def renounce(readable: Sequence[Path], project: Path) -> list[str]:
    """Give up, for this process and all that it forks, network, writing and privileges; return what holds.

    To be called while the process has one thread.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):  # when memory runs out, take these first
        Path("/proc/self/oom_score_adj").write_text("900")
    holds = []
    if libc.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0 or libc.unshare(_NEW_NET | _NEW_IPC) == 0:
        holds.append("namespaces")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        holds.append("no new privileges")
    header, none = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    if libc.capset(header, none) == 0:
        holds.append("no capabilities")
    if landlock.restrict(readable, [project]):
        holds.append("landlock")
    return holds


def die_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def confine(limits: Limits, used_bytes: int, readable: Sequence[Path]) -> "CpuAllowance":
    """Set the limits of one reading, on top of the memory in use already; refuse all that reading needs not."""
    allowed = used_bytes + limits.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed + _SPARE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    allowance = CpuAllowance(limits.cpu_seconds)
    allowance.renew()
    _refuse_the_rest(readable)
    return allowance


def allow_a_last_word() -> None:
    """After a MemoryError: lift the limit to what is kept for saying so."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class CpuAllowance:
    """Computing time until the next sign of progress. The kernel ends the process (SIGXCPU) when it is used up."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._renewed = 0.0

    def renew(self) -> None:
        """Allow as much again from now on."""
        used = time.process_time()
        if self._renewed and used - self._renewed < self.seconds / 10:
            return
        self._renewed = used
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + 1 + self.seconds, hard))


class MemoryGauge:
    """Tells how much address space this process has. To be made before Landlock closes /proc."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._statm = -1

    def used_bytes(self) -> int:
        """Return it in bytes; without a /proc, more than any parser's code takes."""
        if self._statm < 0:
            return 512 << 20
        return int(os.pread(self._statm, 100, 0).split()[0]) * resource.getpagesize()


def _refuse_the_rest(readable: Sequence[Path]) -> None:
    roots = tuple({f"{root}{os.sep}" for path in readable for root in (path, path.resolve())})

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            _check_open(args, roots)
        elif event in _REFUSED or event.startswith(_REFUSED_FAMILIES):
            raise Refused(f"reading a file needs no {event}")

    sys.addaudithook(hook)


def _check_open(args: tuple[Any, ...], roots: tuple[str, ...]) -> None:
    path, mode, flags = args
    if isinstance(path, int):
        return
    if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
        raise Refused("reading a file needs no other file to write to")
    if not os.path.realpath(os.fsdecode(path)).startswith(roots):
        raise Refused("reading a file needs no other file")
