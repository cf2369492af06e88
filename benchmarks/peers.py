"""Whole systems behind one small interface: what a team could run instead, and Semsearch, each as processes over HTTP.

Each peer has a virtual environment of its own, made here from its pinned requirements in yardsticks/. All encode with
the same all-MiniLM-L6-v2, from the same folder, on as many threads as they like.
"""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import Postgres, Server, Valkey, free_port  # noqa: E402

YARDSTICKS = Path(__file__).parent / "yardsticks"
SECONDS = 1_800.0
AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Text:
    """A document to be saved."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """Title and text, for systems that have no titles."""
        return f"{self.title}\n\n{self.text}".strip()


class Link:
    """One kept-alive connection of one client."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return what is answered, read as JSON. Raises ConnectionError for anything but a success."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._connection.request(method, path, data, {"Content-Type": "application/json", **headers})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error
        if not 200 <= answer.status < 300:
            raise ConnectionError(f"{answer.status}: {text[:300]!r}")
        return json.loads(text)


@dataclass
class System:
    """One system in a folder of its own. `model` is the folder of the encoder's files."""

    folder: Path
    venvs: Path
    model: Path
    name: str = ""
    port: int = field(default_factory=free_port)
    servers: list[Server] = field(default_factory=list)

    def prepare(self) -> None:
        """Install and set up, once. Raises CalledProcessError."""

    def programs(self) -> list[tuple[str, list[str], dict[str, str]]]:
        """Return name, command and environment of each program to run."""
        raise NotImplementedError

    def start(self) -> float:
        """Start it; return the seconds until its first complete answer."""
        begun = time.perf_counter()
        for name, command, environment in self.programs():
            server = Server(name, command, log=self.folder / f"{name}.log", env={**os.environ, **environment})
            server.start(lambda: True)
            self.servers.append(server)
        link = Link(self.port)
        while time.perf_counter() - begun < SECONDS:
            try:
                if self.search(link, "a first question", 1) is not None:
                    return time.perf_counter() - begun
            except ConnectionError:
                time.sleep(0.01)
        raise TimeoutError(f"{self.name} does not answer; see {self.folder}")

    def stop(self) -> None:
        """End its programs."""
        for server in reversed(self.servers):
            server.stop()
        self.servers.clear()

    def memory_mb(self) -> dict[str, float]:
        """Return the memory of each program with its children: shared pages counted once (PSS)."""
        return {server.name: _memory_mb(server) for server in self.servers}

    def save(self, link: Link, documents: Sequence[Text]) -> None:
        """Save documents; they may be found later than this returns."""
        raise NotImplementedError

    def wait_until_found(self, link: Link) -> None:
        """Return when everything that was saved can be found."""

    def search(self, link: Link, query: str, k: int) -> list[str] | None:
        """Return the ids of the best `k`; None when the answer is not complete."""
        raise NotImplementedError

    def version(self) -> str:
        """Return what exactly was measured."""
        return ""


class Peer(System):
    """A system in yardsticks/ that answers /documents and /search."""

    program = ""

    @property
    def python(self) -> Path:
        """The interpreter of its virtual environment."""
        return self.venvs / self.program / "bin" / "python"

    def prepare(self) -> None:
        requirements = YARDSTICKS / f"{self.program}.txt"
        stamp = self.venvs / self.program / "installed.txt"
        if stamp.exists() and stamp.read_text() == requirements.read_text():
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.venvs / self.program], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        stamp.write_text(requirements.read_text())

    def programs(self) -> list[tuple[str, list[str], dict[str, str]]]:
        environment = {"DATA": str(self.folder), "MODEL": str(self.model), "HF_HUB_OFFLINE": "1"}
        environment |= {"TOKENIZERS_PARALLELISM": "false", "PATH": f"{self.python.parent}:{os.environ['PATH']}"}
        return [(self.program, [str(self.python), str(YARDSTICKS / f"{self.program}.py"), str(self.port)], environment)]

    def save(self, link: Link, documents: Sequence[Text]) -> None:
        rows = [{"id": each.id, "title": each.title, "text": each.text} for each in documents]
        link.send("POST", "/documents", rows)

    def search(self, link: Link, query: str, k: int) -> list[str] | None:
        found = link.send("GET", "/search?" + urllib.parse.urlencode({"q": query, "k": k}))
        return [each["id"] for each in found["results"]]

    def version(self) -> str:
        return ", ".join((YARDSTICKS / f"{self.program}.txt").read_text().split())


class Naive(Peer):
    """What tutorials show."""

    program = "naive"


class Chroma(Peer):
    """Chroma's server, and an application on it."""

    program = "chroma"

    def programs(self) -> list[tuple[str, list[str], dict[str, str]]]:
        [(name, command, environment)] = super().programs()
        port = free_port()
        server = [str(self.python.parent / "chroma"), "run", "--path", str(self.folder / "data"), "--port", str(port)]
        quiet = environment | {"ANONYMIZED_TELEMETRY": "False"}
        wait = f"import socket, time\nwhile socket.socket().connect_ex(('127.0.0.1', {port})): time.sleep(0.02)\n"
        run = f"import os, sys; {wait}os.execv(sys.executable, {[str(self.python), *command[1:]]!r})"
        return [
            ("chroma-server", server, quiet),
            (name, [str(self.python), "-c", run.replace("; import", "\nimport")], quiet | {"CHROMA": str(port)}),
        ]


class Txtai(Peer):
    """txtai's own API over a hybrid index."""

    program = "txtai_app"

    def save(self, link: Link, documents: Sequence[Text]) -> None:
        link.send("POST", "/add", [{"id": each.id, "text": each.whole} for each in documents])
        link.send("GET", "/upsert")

    def search(self, link: Link, query: str, k: int) -> list[str] | None:
        found = link.send("GET", "/search?" + urllib.parse.urlencode({"query": query, "limit": k}))
        return [each["id"] for each in found]


class Semsearch(System):
    """This product as `make run` runs it: SQLite and the embedded broker."""

    slug = "bench"

    def prepare(self) -> None:
        self.token = ""
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        self.manage("ensure_admin")
        self.manage("shell", "-c", f"from search.models import Collection as C; C.objects.create(slug={self.slug!r})")
        scopes = ["--scope", "search:read", "--scope", "documents:write", "--scope", "documents:read"]
        self.token = self.manage("api_tokens", "create", "admin", "bench", *scopes).split()[-1]

    @property
    def environment(self) -> dict[str, str]:
        """What its programs are told beside the defaults: limits of requests are off."""
        given = {"SEMSEARCH_DATA_DIR": str(self.folder / "data"), "SEMSEARCH_REQUESTS_PER_MINUTE": "0"}
        return given | {"DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev", "HF_HUB_OFFLINE": "1"}

    def manage(self, *arguments: str) -> str:
        """Run one management command; return what it says."""
        environment = {**os.environ, **self.environment}
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    def programs(self) -> list[tuple[str, list[str], dict[str, str]]]:
        from semsearch_project.launch import installation

        return [(each.name, list(each.command), self.environment) for each in installation("127.0.0.1", self.port)]

    def save(self, link: Link, documents: Sequence[Text]) -> None:
        rights = {"Authorization": f"Bearer {self.token}"}
        rows = [{"external_id": each.id, "title": each.title, "body": each.text} for each in documents]
        path = f"/api/v1/collections/{self.slug}/documents/"
        if len(rows) == 1:
            link.send("PUT", f"{path}{rows[0].pop('external_id')}/", rows[0], **rights)
        else:
            link.send("POST", f"{path}bulk/", rows, **rights)

    def wait_until_found(self, link: Link) -> None:
        while link.send("GET", f"/api/v1/collections/{self.slug}/")["progress"]["pending"]:
            time.sleep(0.1)

    def search(self, link: Link, query: str, k: int) -> list[str] | None:
        asked = urllib.parse.urlencode({"q": query, "collection": self.slug, "k": k})
        found = link.send("GET", f"/api/v1/search/?{asked}")
        return None if found["degraded"] else [each["document"]["external_id"] for each in found["results"]]

    def version(self) -> str:
        commit = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        return subprocess.run(commit, capture_output=True, text=True, check=False).stdout.strip()


class SemsearchOnServers(Semsearch):
    """This product on PostgreSQL and Valkey."""

    def prepare(self) -> None:
        (self.folder / "postgres").mkdir(mode=0o755)
        self.postgres, self.valkey = Postgres(self.folder / "postgres"), Valkey(self.folder)
        self.postgres.start()
        self.valkey.start()
        self._database = self.postgres.create_database("semsearch")
        super().prepare()

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"DATABASE_URL": self._database, "CELERY_BROKER_URL": self.valkey.broker_url}

    def close(self) -> None:
        """End database and broker, too."""
        self.valkey.stop()
        self.postgres.stop()


SYSTEMS: dict[str, type[System]] = {
    "naive": Naive,
    "chroma": Chroma,
    "txtai": Txtai,
    "semsearch": Semsearch,
    "semsearch-servers": SemsearchOnServers,
}


@contextmanager
def prepared(name: str, folder: Path, venvs: Path, model: Path) -> Iterator[System]:
    """Yield a system that is installed and not running; end whatever runs of it afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    system = SYSTEMS[name](folder, venvs, model, name=name)
    try:
        system.prepare()
        yield system
    finally:
        system.stop()
        if isinstance(system, SemsearchOnServers):
            system.close()


def _memory_mb(server: Server) -> float:
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    return sum(each.memory_full_info().pss for each in [top, *top.children(recursive=True)]) / 1e6
