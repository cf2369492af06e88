"""A whole installation for the journeys: web servers, worker, broker and database as real processes.

The commands are those of the launcher, the encoder is the real one, and nothing is faked. Two web servers,
so that "in every process" can be asked of each by its own address.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psutil
import psycopg

from semsearch_project.launch import BASE_DIR, DEFAULTS, installation
from tests.journeys.browser import Browser
from tests.real_encoder import converted_models
from tests.servers import Postgres, Server, Valkey, free_port, wait_until

PROFILES = ("sqlite", "postgresql")
FULL = bool(os.environ.get("SEMSEARCH_TEST_FULL"))
"""Whether every case is met on every profile; it takes half an hour more than people and CI wait for."""
ADMIN = ("admin", "a-password-for-journeys")
SWEEP_SECONDS = 2
WEB_SERVERS = 2
INDEX_SECONDS = 90.0


def share_of(cases: Sequence[str], profile: str) -> Sequence[str]:
    """Return the cases that a profile meets: every second one, together all of them, or all with FULL."""
    return cases if FULL else cases[PROFILES.index(profile) :: len(PROFILES)]


class Broker(Protocol):
    """What the journeys do to a broker."""

    def break_down(self) -> None:
        """Make it unusable for everybody."""

    def mend(self) -> None:
        """Make it usable again."""

    def double(self, copies: int) -> int:
        """Put `copies` more of every waiting message into it; returns how many messages waited."""


class FolderBroker:
    """The filesystem transport: its folder of messages can be replaced by a file that is no folder."""

    def __init__(self, folder: Path) -> None:
        self.messages, self.away = folder / "messages", folder / "messages-away"

    def break_down(self) -> None:
        self.messages.rename(self.away)
        self.messages.write_text("not a folder")

    def mend(self) -> None:
        if self.away.exists():
            self.messages.unlink()
            self.away.rename(self.messages)

    def double(self, copies: int) -> int:
        waiting = list(self.messages.glob("*.celery.msg"))
        for message in waiting:
            for number in range(copies):
                stamp, _, rest = message.name.partition("_")
                shutil.copy(message, message.with_name(f"{stamp}_{number}{rest}"))
        return len(waiting)


class ValkeyBroker:
    """A Valkey server that is stopped and started."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey

    def break_down(self) -> None:
        self.valkey.stop()

    def mend(self) -> None:
        if not self.valkey.server.alive:
            self.valkey.start()

    def double(self, copies: int) -> int:
        from redis import Redis

        with Redis(unix_socket_path=str(self.valkey.socket_path)) as client:
            waiting: list[bytes] = client.lrange("celery", 0, -1)
            for message in waiting:
                client.lpush("celery", *[message] * copies)
            return len(waiting)


class Stack:
    """An installation in a folder of its own. `profile` chooses database and broker."""

    def __init__(self, profile: str, folder: Path) -> None:
        self.profile = profile
        self.folder = folder
        self.data_dir = folder / "data"
        self.env = _clean_environment() | {"SEMSEARCH_DATA_DIR": str(self.data_dir)}
        self.env |= {"SEMSEARCH_SWEEP_SECONDS": str(SWEEP_SECONDS), "SEMSEARCH_ENCODER_RUNTIME": "auto"}
        self.env |= {"SEMSEARCH_MODELS_DIR": str(converted_models())}
        self.env |= {"SEMSEARCH_LOG_SEARCHES": "1", "WEB_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}
        self.env |= {"SEMSEARCH_REQUESTS_PER_MINUTE": "0", "SEMSEARCH_GUESSES_PER_MINUTE": "0"}
        self.broker: Broker = FolderBroker(self.data_dir / "broker")
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        self.webs: list[Server] = []
        self.worker: Server | None = None
        self.disturbed = False  # the worker may be about to give up, because the broker went away
        self.browsers: list[Browser] = []

    # --- the life of the installation

    def start(self) -> None:
        """Start every server, with an administrator logged in to each web server."""
        if self.profile == "postgresql":
            self._start_postgresql_and_valkey()
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        name, password = ADMIN
        self.manage(
            "createsuperuser", "--noinput", "--username", name, "--email", "admin@example.org",
            env={"DJANGO_SUPERUSER_PASSWORD": password},
        )  # fmt: skip
        self.start_worker()
        for number in range(WEB_SERVERS):
            self._start_web(number)

    @staticmethod
    def libraries_of(server: Server) -> str:
        """Return the names of the files that a server's processes have mapped."""
        assert server.process is not None
        processes = psutil.Process(server.process.pid).children(recursive=True)
        return " ".join(file.path for process in processes for file in process.memory_maps())

    def stop(self) -> None:
        """End every process, whatever state it is in."""
        servers = [*self.webs, self.worker, self.valkey and self.valkey.server]
        for server in servers:
            if server:
                server.kill()
        if self.postgres:
            self.postgres.stop()

    def restore(self) -> None:
        """Undo what a journey did to worker and broker, for the next one."""
        self.mend_broker()
        if self.worker is None or not self.worker.alive or self.worker.env != self.env or self.disturbed:
            self.kill_worker()
            self.disturbed = False
            self.start_worker()

    def start_worker(self, *, env: Mapping[str, str] | None = None) -> None:
        """Start the worker, with further environment variables, and wait until it consumes."""
        command = installation("127.0.0.1", 1)[1].command
        self.worker = Server("worker", command, log=self.folder / "worker.log", env={**self.env, **(env or {})})
        before = self.worker.log.stat().st_size if self.worker.log.exists() else 0
        worker = self.worker
        worker.start(lambda: " ready." in worker.log.read_text(errors="replace")[before:])

    def stop_worker(self) -> None:
        """Let the worker finish what it is at and end."""
        if self.worker:
            self.worker.stop()

    def kill_worker(self) -> None:
        """kill -9 the worker."""
        if self.worker:
            self.worker.kill()

    def kill_web(self, number: int) -> None:
        """kill -9 one of the web servers, and start it again."""
        web = self.webs[number]
        web.kill()
        web.start(lambda: _answers(Browser(self.browsers[number].origin)))

    def wait_worker_ended(self, seconds: float = INDEX_SECONDS) -> None:
        """Wait until the worker has ended by itself, as it does at a failpoint."""
        wait_until(lambda: not (self.worker and self.worker.alive), seconds=seconds, what="the worker has ended")

    def break_broker(self) -> None:
        """Make the broker unusable for everybody."""
        self.disturbed = True
        self.broker.break_down()

    def mend_broker(self) -> None:
        """Make the broker usable again."""
        self.broker.mend()

    def revive_worker(self) -> None:
        """Start the worker again if it has ended by itself, as the launcher does."""
        if self.worker is not None and self.worker.process is not None and not self.worker.alive:
            self.start_worker()

    # --- what people and scripts do with it

    @property
    def api(self) -> Browser:
        """The administrator's session with the first web server."""
        return self.browsers[0]

    admin = api

    def manage(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run a management command; returns what it printed, fails with it."""
        done = subprocess.run(
            [sys.executable, str(BASE_DIR / "manage.py"), *arguments], env={**self.env, **(env or {})},
            cwd=BASE_DIR, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python code in a process of its own, in the installation's environment."""
        return self.manage("shell", "--verbosity", "0", "--command", code)

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement as another program would, behind Django's back; `%s` marks a parameter."""
        if self.postgres is None:
            connection = sqlite3.connect(self.data_dir / "semsearch.sqlite3", timeout=30, isolation_level=None)
            try:
                return connection.execute(statement.replace("%s", "?"), parameters).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self.env["DATABASE_URL"], autocommit=True) as link:
            cursor = link.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def make_collection(self, slug: str) -> str:
        """Create a collection in the admin and wait until it can be searched."""
        self.fill_in("/admin/search/collection/add/", name=f"Journey {slug}", slug=slug)
        self.wait_indexed(slug)
        return slug

    def fill_in(self, path: str, **fields: str) -> None:
        """Send a form of the admin and make sure that it was accepted."""
        page = self.admin.submit(path, **fields)
        assert page.status == 200 and page.url != self.admin.origin + path, (
            f"{path} was not accepted ({page.status}): {page.errors() or page.text[:2000]}"
        )

    def put(self, slug: str, external_id: str, **document: Any) -> None:
        """Create or replace a document by the API."""
        answer = self.api.send("PUT", f"/api/v1/collections/{slug}/documents/{external_id}/", document)
        assert answer.status in (200, 201), f"{answer.status}: {answer.text}"

    def search(self, query: str, slug: str, *, web: int = 0, mode: str = "hybrid", k: int = 10) -> list[dict[str, Any]]:
        """Ask one of the web servers by the API; returns the results."""
        answer = self.browsers[web].get("/api/v1/search/", q=query, collection=slug, mode=mode, k=k)
        assert answer.status == 200, f"{answer.status}: {answer.text}"
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def found(self, query: str, slug: str, *, web: int = 0, mode: str = "hybrid", k: int = 10) -> list[str]:
        """Return the external ids of what one of the web servers finds."""
        return [r["document"]["external_id"] for r in self.search(query, slug, web=web, mode=mode, k=k)]

    def wait_indexed(self, slug: str, timeout: float = INDEX_SECONDS, *, revive: bool = False) -> None:
        """Wait until the collection's active version holds everything; fail at once on a quarantined document.

        With `revive`, a worker that gives up meanwhile is started again.
        """

        def settled() -> bool:
            if revive:
                self.revive_worker()
            waiting, failed = self.pending(slug)
            if failed:
                raise AssertionError(f"Documents of {slug} are in quarantine: {failed}")
            return waiting == 0

        wait_until(settled, seconds=timeout, what=f"every change of {slug} is indexed")

    def pending(self, slug: str) -> tuple[int, list[str]]:
        """Return how many changes wait and the reasons of failed ones; unfinished publishing counts as one."""
        version = self.sql(
            "SELECT v.id, v.filled_to IS NULL AND v.lexical_generation >= v.generation FROM search_indexversion v "
            "JOIN search_collection c ON c.id = v.collection_id WHERE c.slug = %s AND v.state = 'active'",
            [slug],
        )
        if not version:
            return 1, []
        pk, published = version[0]
        rows = self.sql("SELECT quarantined, last_error FROM search_pendingchange WHERE version_id = %s", [pk])
        failed = [row[1] for row in rows if row[0]]
        return (len(rows) - len(failed)) or int(not published), failed

    def collection_id(self, slug: str) -> int:
        """Return a collection's id."""
        return int(self.sql("SELECT id FROM search_collection WHERE slug = %s", [slug])[0][0])

    def logs(self) -> dict[str, str]:
        """Return the end of every server's output, by its name."""
        servers = [*self.webs, self.worker, self.valkey and self.valkey.server, self.postgres and self.postgres.server]
        return {server.name: server.tail() for server in servers if server}

    # --- parts of start()

    def _start_postgresql_and_valkey(self) -> None:
        for name in ("postgres", "valkey"):
            (self.folder / name).mkdir()
        self.postgres = Postgres(self.folder / "postgres")
        self.postgres.start()
        self.env["DATABASE_URL"] = self.postgres.create_database("semsearch")
        self.valkey = Valkey(self.folder / "valkey")
        self.valkey.start()
        self.env["CELERY_BROKER_URL"] = self.valkey.broker_url
        self.broker = ValkeyBroker(self.valkey)

    def _start_web(self, number: int) -> None:
        port = free_port()
        command = installation("127.0.0.1", port)[0].command
        web = Server(f"web{number}", command, log=self.folder / f"web{number}.log", env=self.env)
        self.webs.append(web)
        browser = Browser(f"http://127.0.0.1:{port}")
        self.browsers.append(browser)
        web.start(lambda: _answers(browser))
        browser.log_in(*ADMIN)


def _answers(browser: Browser) -> bool:
    try:
        return browser.get("/health/live").status == 200
    except OSError:
        return False


def _clean_environment() -> dict[str, str]:
    ours = re.compile("SEMSEARCH_|DJANGO_|CELERY_|DATABASE_URL$|WEB_")
    return {**DEFAULTS, **{name: value for name, value in os.environ.items() if not ours.match(name)}}
