"""Imports one folder by the admin, by the command and by the REST API, and compares what came of it.

    python benchmarks/three_ways_in.py /usr/share/doc/python3

Each way fills a collection of its own in an empty installation, nothing is encoded. Prints figures of each and how many
documents differ in identity, title, text, language or metadata; ends with 1 where any does.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PASSWORD = "three ways in"
FILES_A_REQUEST = 100


def main() -> None:
    """Import three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    with tempfile.TemporaryDirectory(prefix="semsearch-ways-") as data:
        os.environ |= {"SEMSEARCH_DATA_DIR": data, "SEMSEARCH_ENCODER_RUNTIME": "fake"}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev", "DJANGO_LOG_LEVEL": "ERROR"}
        import django
        from django.conf import settings

        django.setup()
        settings.ALLOWED_HOSTS = ["testserver"]
        sys.exit(compare(folder))


def compare(folder: Path) -> int:
    """Import by each way, print its figures, and return how many documents differ, 1 at most."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from search.models import Collection

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("ways", password=PASSWORD)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{len(files):,} files, {sum(path.stat().st_size for path in files) >> 20} MB:", kinds(files))
    ways: dict[str, Callable[[Path, list[Path], str], None]] = {
        "command": by_command, "admin": by_admin, "api": by_api,
    }  # fmt: skip
    came: dict[str, dict[str, tuple[Any, ...]]] = {}
    for name, way in ways.items():
        collection = Collection.objects.create(slug=name, name=name)
        begun = time.perf_counter()
        way(folder, files, name)
        came[name] = documents(collection)
        job = collection.import_jobs.get()
        print(f"{name:<8} {len(came[name]):>7,} documents in {time.perf_counter() - begun:.0f} s; {job.counts}")
    different = 0
    for name in ("admin", "api"):
        keys = came["command"].keys() | came[name].keys()
        differ = sorted(key for key in keys if came["command"].get(key) != came[name].get(key))
        print(f"{name} against command: {len(differ)} of {len(keys):,} documents differ", differ[:5])
        different += len(differ)
    return min(1, different)


def by_command(folder: Path, files: list[Path], slug: str) -> None:
    """Point the command at the folder."""
    from django.core.management import CommandError, call_command

    try:
        call_command("import_documents", str(folder), collection=slug, verbosity=0, wait=False)
    except (CommandError, SystemExit) as error:
        print(f"         the command: {str(error).splitlines()[0]}")


def by_admin(folder: Path, files: list[Path], slug: str) -> None:
    """Send each file as the page's script does, then press the button."""
    from django.test import Client

    from search.models import Collection

    client = Client()
    assert client.login(username="ways", password=PASSWORD)
    begin = {"collection": Collection.objects.get(slug=slug).pk, "first": folder.name, "others": len(files) - 1}
    addresses = client.post("/admin/search/importjob/add/", begin, headers={"accept": "application/json"}).json()
    for path in files:
        name = path.relative_to(folder).as_posix()
        client.post(
            addresses["upload"], path.read_bytes(), "application/octet-stream", query_params={"name": name}
        )  # what is refused shows in the comparison
    client.post(f"{addresses['next']}start/".replace("change/start", "start"))
    work(slug)


def by_api(folder: Path, files: list[Path], slug: str) -> None:
    """Send the files a hundred at a time, then start the import."""
    from rest_framework.test import APIClient

    client = APIClient()
    client.login(username="ways", password=PASSWORD)
    address = "/api/v1/import-jobs/"
    job = client.post(address, {"collection": slug, "name": folder.name, "start": False}, format="json").json()
    for at in range(0, len(files), FILES_A_REQUEST):
        share = files[at : at + FILES_A_REQUEST]
        with ExitStack() as stack:
            body = {
                "files": [stack.enter_context(path.open("rb")) for path in share],
                "paths": [path.relative_to(folder).as_posix() for path in share],
            }
            answer = client.post(f"{address}{job['id']}/files/", body, format="multipart")
        if answer.status_code >= 400:
            print("         the API:", answer.json())
    client.post(f"{address}{job['id']}/start/", {}, format="json")
    work(slug)


def work(slug: str) -> None:
    """Do what the worker does with a started import."""
    from search.ingestion import runner
    from search.models import ImportJob

    job = ImportJob.objects.get(collection__slug=slug)
    while runner.run(job.pk, budget_seconds=60):
        pass


def documents(collection: Any) -> dict[str, tuple[Any, ...]]:
    """Return what each document is, by its identity."""
    rows = collection.documents.values_list("external_id", "title", "body", "language", "metadata", "anchors")
    return {row[0]: row[1:] for row in rows.iterator()}


def kinds(files: list[Path]) -> str:
    """Return how many files of each ending there are."""
    found = Counter(path.suffix or "no ending" for path in files)
    return ", ".join(f"{count} {suffix}" for suffix, count in found.most_common(12))


if __name__ == "__main__":
    main()
