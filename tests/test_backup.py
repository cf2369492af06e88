"""docs/backup.md, done: a backup taken while documents are saved comes back whole, and answers as before."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stack import FULL, PROFILES
from tests.servers import Postgres

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "backup.md").read_text()

FILL = """
import sys, threading, time
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
from search.indexing import applier
from search.models import Collection, Document
docs = Collection.objects.create(slug="docs", name="Docs")
for n in range(30):
    Document.objects.create(collection=docs, external_id=f"d{n}", title=f"Number {n}", body=f"word{n} in a text.")
applier.drain(docs.pk, budget_seconds=60)
print("filled", flush=True)
n = 30
while True:
    Document.objects.create(collection=docs, external_id=f"d{n}", title=f"Number {n}", body=f"word{n} in a text.")
    print(n, flush=True)
    n += 1
    time.sleep(0.005)
"""
LOOK = """
import json
from search.indexing import applier
from search.models import Collection, Document, Embedding, PendingChange
from search.query_service import search
docs = Collection.objects.get()
before = Embedding.objects.count()
pending = PendingChange.objects.count()
applier.drain(docs.pk, budget_seconds=60)
print(json.dumps({
    "documents": sorted(Document.objects.values_list("external_id", flat=True)),
    "embeddings": before, "new": Embedding.objects.count() - before, "pending": pending,
    "found": {n: [r.document_id for r in search(f"word{n}", k=1).results] for n in range(10)},
}))
"""


@dataclass
class Drill:
    """An installation, and the empty one that its backup goes into."""

    folder: Path
    url: str = ""
    restored_url: str = ""
    programs: str = ""

    def environment(self, name: str) -> dict[str, str]:
        ours = re.compile("SEMSEARCH_|DJANGO_|CELERY_|DATABASE_URL$")
        clean = {key: value for key, value in os.environ.items() if not ours.match(key)}
        url = {"original": self.url, "restored": self.restored_url}[name]
        return clean | {
            "SEMSEARCH_DATA_DIR": str(self.folder / name), "SEMSEARCH_ENCODER_RUNTIME": "fake", "DATABASE_URL": url,
            "RESTORED_URL": self.restored_url, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip

    def manage(self, name: str, *arguments: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment(name), capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def look(self, name: str) -> Any:
        return json.loads(self.manage(name, "shell", "--verbosity", "0", "--command", LOOK).splitlines()[-1])

    def as_documented(self, *programs: str) -> None:
        """Do the lines of the guide that begin with these programs, as they stand there."""
        lines = [line for line in GUIDE.splitlines() if line.startswith(tuple(f"{program} " for program in programs))]
        assert len(lines) == len(programs)
        for line in lines:
            line = line.replace(".venv/bin/python", sys.executable).replace("var/", "original/")
            done = subprocess.run(
                line, shell=True, env=self.environment("original"), capture_output=True, text=True, cwd=self.folder
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


@pytest.fixture(params=PROFILES if FULL else PROFILES[:1])
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drill]:
    """An installation on either database, and nothing in the other place."""
    if request.param == "sqlite":
        yield Drill(tmp_path)
        return
    (tmp_path / "postgres").mkdir()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    postgres = Postgres(tmp_path / "postgres")
    postgres.start()
    try:
        yield Drill(tmp_path, postgres.create_database("original"), postgres.url("restored"), str(postgres.binaries))
    finally:
        postgres.stop()


def test_a_backup_that_was_taken_while_documents_are_saved_comes_back_whole(drill: Drill) -> None:
    filling = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "shell", "--verbosity", "0", "--command", FILL],
        env=drill.environment("original"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert filling.stdout is not None
    try:
        assert "filled\n" in iter(filling.stdout.readline, "")
        filling.stdout.readline()
        saved_before = int(filling.stdout.readline())
        if drill.url:
            drill.as_documented("pg_dump", "createdb", "pg_restore")
        else:
            drill.as_documented(".venv/bin/python -c", "mkdir", "cp")
    finally:
        filling.kill()
        last = int(filling.communicate()[0].split()[-1])

    original = drill.look("original")
    drill.manage("restored", "check_index", "--repair")
    assert "in step" in drill.manage("restored", "check_index")
    restored = drill.look("restored")
    assert last > saved_before, "nothing was saved while the backup was taken"
    assert {f"d{n}" for n in range(saved_before + 1)} <= set(restored["documents"]) <= set(original["documents"])
    assert restored["embeddings"] - restored["new"] <= original["embeddings"] + original["new"]
    assert restored["found"] == original["found"]
    assert all(restored["found"].values())
