"""Measures the admin's first page and what it is made of while the corpus grows: it must stay quick.

    python benchmarks/admin_home.py [--sizes 1000 1000000] [--views 20]

For each size a collection of made-up documents is written into a SQLite database of its own, with a day of samples;
then the page is asked for through Django, signed in as an administrator. Milliseconds, in turns, so that a busy moment
meets all sizes; the last column is the ratio to the smallest size. No index is built: the page reads rows, not files.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import synthetic


def main() -> None:
    """Make each size; then ask in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--views", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semsearch-home-") as root:
        synthetic.set_up(Path(root) / str(arguments.sizes[0]))
        serve_static_files_by_their_names()
        for size in arguments.sizes:
            make(Path(root) / str(size), size)
        times: dict[int, list[float]] = {size: [] for size in arguments.sizes}
        for _ in range(arguments.views):
            for size, seen in times.items():
                seen.append(view(Path(root) / str(size)))
        print(f"{'documents':>10} {'p50 ms':>8} {'p95 ms':>8} {'ratio':>6}")
        smallest = statistics.median(times[arguments.sizes[0]])
        for size, seen in times.items():
            p95 = sorted(seen)[int(0.95 * (len(seen) - 1))]
            middle = statistics.median(seen)
            print(f"{size:>10,} {middle:>8.1f} {p95:>8.1f} {middle / smallest:>6.1f}")


def make(folder: Path, size: int) -> None:
    """Write the documents, a live version without files, a day of samples and the administrator."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from search.indexing import lifecycle
    from search.models import FigureSample, IndexVersion

    use(folder)
    began = time.perf_counter()
    collection = synthetic.make_collection(size)
    version = lifecycle.create_version(collection, activate_when_ready=False)
    IndexVersion.objects.filter(pk=version.pk).update(state="active", filled_to=None, documents=size)
    now = timezone.now()
    FigureSample.objects.bulk_create(
        FigureSample(taken_at=now - timedelta(minutes=minute), searches=3, buckets=[[0.1, 3], [None, 3]])
        for minute in range(1_440)
    )
    User.objects.create_superuser("admin", password="a-long-password")
    print(f"{size:,} documents made in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def serve_static_files_by_their_names() -> None:
    """Spare the collecting of static files, which has nothing to do with the page's time."""
    from django.conf import settings
    from django.test.utils import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}).enable()


def view(folder: Path) -> float:
    """Return the milliseconds of one view of the page."""
    from django.contrib.auth.models import User
    from django.test import Client

    use(folder)
    client = Client()
    client.force_login(User.objects.get())
    began = time.perf_counter()
    answer = client.get("/admin/", headers={"host": "localhost"})
    took = (time.perf_counter() - began) * 1_000
    if answer.status_code != 200:
        raise SystemExit(f"The page answered {answer.status_code}.")
    return took


def use(folder: Path) -> None:
    """Let Django work on this folder's database."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    if settings.SEMSEARCH["DATA_DIR"] == folder:
        return
    connections.close_all()
    folder.mkdir(parents=True, exist_ok=True)
    connections["default"].settings_dict["NAME"] = str(folder / "semsearch.sqlite3")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DATA_DIR": folder}
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    main()
