"""Measures the admin's list of documents while its corpus grows: nobody should wait for a second, on either database.

    python benchmarks/admin_documents.py [--sizes 1000 1000000] [--rounds 7]

For each size a database of its own is made (of SQLite; with DATABASE_URL set, that one, which has to be empty: give
one size then) with rows of several states, audiences and languages, all but some of them indexed by an active version.
Then the pages that curators open are asked for as a browser asks, signed in:
medians in milliseconds, and the ratio of the largest size to the smallest. A page that takes over two seconds is
asked for once more only.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import synthetic

_LIST = "/admin/search/document/"
_SLOW_SECONDS = 2.0
_BLOCK_ROWS = 20_000
_LANGUAGES = ("en", "en", "en", "de", "fr", "")
_QUEUED_EVERY = 1_000
PAGES = {
    "first page": "",
    "page 2": "?p=2",
    "a far page": "?p={far}",
    "collection": "?collection__id__exact=1",
    "published": "?state__exact=published",
    "draft (1 in 100)": "?state__exact=draft",
    "staff (1 in 50)": "?visibility__exact=staff",
    "language": "?language=de",
    "indexed": "?indexing=indexed",
    "queued": "?indexing=queued",
    "failed": "?indexing=failed",
    "neither indexed nor queued": "?indexing=lost",
    "title has a word": "?q=wing",
    "title has two words": "?q=wing+77",
    "title has nothing": "?q=qwertyuiop",
    "external id": "?q=doc-777",
    "a word in one language": "?language=fr&q=flow",
    "a word in staff's drafts": "?visibility__exact=staff&state__exact=draft&q=wing",
    "ordered by title": "?o=1",
    "ordered by collection": "?o=2",
    "ordered by state": "?o=3",
    "ordered by visibility": "?o=4",
    "ordered by updated, oldest first": "?o=6",
}


def main() -> None:
    """Measure each size in a database of its own, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="semsearch-list-")))
        synthetic.set_up(root / "first")
        _collect_static()
        taken = [_measured(root / f"{size}.sqlite3", size, arguments.rounds) for size in arguments.sizes]
    print(f"{'':36}" + "".join(f"{size:>14,}" for size in arguments.sizes) + f"{'ratio':>8}")
    for name in PAGES:
        figures = [each[name] for each in taken]
        cells = "".join(f"{figure:>11.0f} ms" for figure in figures)
        print(f"{name:36}{cells}{figures[-1] / figures[0]:>8.1f}", flush=True)


def _collect_static() -> None:
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)


def _measured(database: Path, size: int, rounds: int) -> dict[str, float]:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    if connection.vendor == "sqlite":
        connection.close()
        connection.settings_dict["NAME"] = str(database)
    call_command("migrate", verbosity=0)
    _fill(size)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("curator"))
    return {
        name: _median_ms(client, _LIST + page.format(far=max(2, size // 50)), rounds) for name, page in PAGES.items()
    }


def _median_ms(client: Any, url: str, rounds: int) -> float:
    taken: list[float] = []
    for turn in range(rounds + 1):
        started = time.perf_counter()
        status = client.get(url).status_code
        seconds = time.perf_counter() - started
        if status != 200:
            raise SystemExit(f"{url} answered {status}")
        if turn:  # the first opens what is closed
            taken.append(seconds)
        if turn and seconds > _SLOW_SECONDS:
            break
    return statistics.median(taken) * 1000


def _fill(size: int) -> None:
    """Make the rows as a finished build would have left them: some hundred thousand a minute."""
    from django.db import connection

    from search.indexing import lifecycle
    from search.models import Collection, IndexVersion

    collection = Collection.objects.create(slug="synthetic", name="Synthetic", engine_options={"index_type": "Flat"})
    columns = "id, collection_id, external_id, title, body, url, language, metadata, state, visibility, revision"
    _insert("document", columns + ", created_at, updated_at", _documents(collection.pk, size))
    version = lifecycle.create_version(collection, activate_when_ready=False)
    _insert("indexeddocument", "version_id, document_id, revision, content_hash, chunk_count, indexed_at",
            ((version.pk, pk, 1, "", 1, _stamp(pk)) for pk in range(1, size + 1) if pk % _QUEUED_EVERY))  # fmt: skip
    columns = "version_id, document_id, revision, attempts, not_before, quarantined, last_error, created_at"
    _insert("pendingchange", columns,
            ((version.pk, pk, 1, 0, _stamp(pk), pk % 7 == 0, "", _stamp(pk))
             for pk in range(_QUEUED_EVERY, size + 1, _QUEUED_EVERY)))  # fmt: skip
    IndexVersion.objects.filter(pk=version.pk).update(state=IndexVersion.State.ACTIVE, filled_to=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _documents(collection_id: int, size: int) -> Iterator[Sequence[Any]]:
    for pk in range(1, size + 1):
        state = "draft" if pk % 100 == 0 else "published"
        audience = "staff" if pk % 50 == 1 else "public"
        title = f"{'Wing' if pk % 3 else 'Flow'} {pk * 7919 % size} in a slipstream"
        body = "Made-up words of a text that is read by nobody. " * 8
        language = _LANGUAGES[pk % len(_LANGUAGES)]
        yield (
            pk,
            collection_id,
            f"doc-{pk}",
            title,
            body,
            "",
            language,
            "{}",
            state,
            audience,
            1,
            _stamp(pk),
            _stamp(pk),
        )


def _stamp(number: int) -> str:
    return f"2026-{number % 12 + 1:02}-{number % 28 + 1:02} {number % 24:02}:{number % 60:02}:00"


def _insert(table: str, columns: str, rows: Iterator[Sequence[Any]]) -> None:
    from django.db import connection, transaction

    places = ", ".join(["%s"] * len(columns.split(",")))
    while block := list(itertools.islice(rows, _BLOCK_ROWS)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO search_{table} ({columns}) VALUES ({places})", block)


if __name__ == "__main__":
    main()
