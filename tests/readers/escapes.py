"""A reader that does what its file says, for tests of the walls around readers. No file can ask for it by itself."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from search.readers.base import Reader, Record
from search.readers.child_process import frames

FORMATS = {"escape": "tests.readers.escapes.Escape"}


class Escape(Reader):
    """Yields one record for each line, with what came of doing it."""

    format = "escape"
    extensions = (".escape",)
    tabular = True

    def read(self, file: BinaryIO, path: PurePosixPath) -> Iterator[Record]:
        for number, line in enumerate(file.read().decode().splitlines(), 1):
            name, _, argument = line.partition(" ")
            if name == "rows":
                yield from (Record(row, {"row": row}) for row in range(1, int(argument) + 1))
            else:
                yield Record(number, {"came of it": str(ACTIONS[name](argument))})


def _outcome(action: Callable[[], Any]) -> str:
    try:
        action()
    except Exception as error:
        return f"refused: {type(error).__name__}"
    return "done"


def _native(action: Callable[[ctypes.CDLL], int]) -> str:
    """What native code comes to, of which Python's own hooks know nothing."""
    return "done" if action(_LIBC) >= 0 else "refused"


_LIBC = ctypes.CDLL(None)
_FOUND = [_LIBC.socket, _LIBC.connect, _LIBC.open]  # before the walls stand, as native code has it


def _connect_natively(libc: ctypes.CDLL, port: int) -> int:
    address = socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + bytes((127, 0, 0, 1)) + bytes(8)
    found = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    return int(libc.connect(found, address, 16)) if found >= 0 else -1


def _eat(_: str) -> None:
    held = []
    while True:
        held.append(bytearray(8 << 20))


def _spin(_: str) -> None:
    while True:
        pass


def _lie(text: str) -> None:
    """Write straight to the pipe."""
    os.write(4, bytes.fromhex(text))


def _boast(_: str) -> None:
    """Announce a frame of four gigabytes."""
    os.write(4, frames.RECORDS + b"\xff" * 8 + b"[")
    time.sleep(60)


ACTIONS: dict[str, Callable[[str], Any]] = {
    "say": lambda text: text,
    "connect": lambda port: _outcome(lambda: socket.create_connection(("127.0.0.1", int(port)))),
    "connect-natively": lambda port: _native(lambda libc: _connect_natively(libc, int(port))),
    "write": lambda path: _outcome(lambda: Path(path).write_text("x")),
    "write-natively": lambda path: _native(lambda libc: libc.open(path.encode(), os.O_WRONLY | os.O_CREAT, 0o600)),
    "read": lambda path: _outcome(lambda: Path(path).read_bytes()),
    "read-natively": lambda path: _native(lambda libc: libc.open(path.encode(), os.O_RDONLY)),
    "remove": lambda path: _outcome(lambda: Path(path).unlink()),
    "run": lambda _: _outcome(lambda: subprocess.run(["true"])),
    "fork": lambda _: _outcome(os.fork),
    "descriptors": lambda _: [fd for fd in range(256) if _outcome(partial(os.fstat, fd)) == "done"],
    "environment": lambda _: sorted(os.environ),
    "signal": lambda number: signal.raise_signal(signal.Signals(int(number))),
    "exit": lambda code: os._exit(int(code)),
    "raise": lambda text: (_ for _ in ()).throw(RuntimeError(text)),
    "eat": _eat,
    "spin": _spin,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "lie": _lie,
    "boast": _boast,
    "pid": lambda _: os.getpid(),
    "import": lambda name: _outcome(lambda: __import__(name)),
}
