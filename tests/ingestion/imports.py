"""Imports for tests: files given as names and bytes, run in the test's own process."""

import json
from collections.abc import Mapping
from typing import Any

from search.ingestion import jobs, runner
from search.ingestion.jobs import ImportOptions
from search.models import Collection, ImportJob


def draft(collection: Collection, files: Mapping[str, bytes | str], **options: Any) -> ImportJob:
    """Return a draft with these files; keywords are its options."""
    job = jobs.create(collection, source=ImportJob.Source.UPLOAD, name="test", options=ImportOptions(**options))
    for name, content in files.items():
        jobs.add_file(job, name, [content.encode() if isinstance(content, str) else content])
    return job


def imported(collection: Collection, files: Mapping[str, bytes | str], **options: Any) -> ImportJob:
    """Return the job of an import that has been run to its end."""
    return finished(draft(collection, files, **options))


def finished(job: ImportJob, *, dry_run: bool = False) -> ImportJob:
    """Start a job, run it to its end and return it."""
    jobs.start(job, dry_run=dry_run)
    while runner.run(job.pk):
        pass
    job.refresh_from_db()
    return job


def lines(*rows: dict[str, Any]) -> str:
    """Return rows as a JSONL file."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def counts(job: ImportJob) -> dict[str, int]:
    """Return the counts of a job that are not zero."""
    return {name: count for name, count in job.counts.items() if count}
