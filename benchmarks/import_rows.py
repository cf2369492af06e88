"""How fast rows come in, and that memory does not grow with the file: an import without its indexing.

    python benchmarks/import_rows.py --rows 1000000

Writes a JSONL file of so many rows into a folder of its own, imports it into an empty installation on SQLite with the
collection's version being fed, and prints rows a second and the process's memory after every tenth of the file.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WORDS = ["river", "market", "engine", "winter", "letter", "garden", "copper",
         "signal", "window", "harbour", "mirror", "forest", "candle", "bridge"]  # fmt: skip


def main() -> None:
    """Import the rows and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="semsearch-import-") as folder:
        os.environ |= {"SEMSEARCH_DATA_DIR": folder, "SEMSEARCH_ENCODER_RUNTIME": "fake"}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev"}
        import django

        django.setup()
        measure(rows, Path(folder))


def measure(rows: int, folder: Path) -> None:
    """Import `rows` rows out of a file and print the figures."""
    import psutil
    from django.core.management import call_command

    from search.indexing import applier
    from search.ingestion import jobs, runner
    from search.models import Collection, Document, ImportJob, PendingChange

    call_command("migrate", verbosity=0)
    collection = Collection.objects.create(slug="rows", name="Rows")
    applier.drain(collection.pk)  # makes its first version, so that every row is queued for it
    job = jobs.create(collection, source=ImportJob.Source.UPLOAD, name="rows")
    file = jobs.add_file(job, "rows.jsonl", (line(number) for number in range(rows)))
    jobs.start(job)
    process, seen, begun = psutil.Process(), [0], time.perf_counter()

    def tell(current: ImportJob) -> None:
        if current.read - seen[0] >= rows // 10 or current.is_over:
            seen[0] = current.read
            seconds = time.perf_counter() - begun
            children = sum(child.memory_info().rss for child in process.children(recursive=True))
            print(
                f"{current.read:>9,} rows  {current.read / seconds:>7,.0f} rows/s  "
                f"process {process.memory_info().rss >> 20} MB, its readers {children >> 20} MB",
                flush=True,
            )

    while runner.run(job.pk, budget_seconds=60, on_batch=tell):
        pass
    seconds = time.perf_counter() - begun
    job.refresh_from_db()
    print(f"{file.size >> 20} MB, {rows:,} rows in {seconds:,.1f} s: {rows / seconds:,.0f} rows a second")
    print(
        f"{job.status}: {job.counts}; {Document.objects.count():,} documents, {PendingChange.objects.count():,} pending"
    )


def line(number: int) -> bytes:
    """Return one row of the file."""
    words = [WORDS[number * step % len(WORDS)] for step in (1, 3, 5, 7, 11)]
    row = {"id": f"r{number}", "title": f"{words[0]} {number}", "text": f"The {' '.join(words)} of place {number}.",
           "year": number % 300 + 1700}  # fmt: skip
    return json.dumps(row).encode() + b"\n"


if __name__ == "__main__":
    main()
