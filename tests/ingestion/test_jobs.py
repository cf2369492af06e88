"""What may be asked of an import, and when."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from search.ingestion import jobs, uploads
from search.ingestion.jobs import BadImport, ImportOptions
from search.models import Collection, ImportJob
from tests.ingestion.imports import counts, draft, finished, lines

pytestmark = pytest.mark.django_db


def test_files_are_stored_under_numbers_whatever_they_are_called(collection: Collection, data_dir: Path) -> None:
    job = draft(collection, {"../../etc/passwd.txt": "one", "C:\\Users\\me\\b.txt": "two", "/abs/c.txt": "three"})

    assert [file.name for file in job.files.all()] == ["etc/passwd.txt", "C:/Users/me/b.txt", "abs/c.txt"]
    assert {uploads.path_of(file).parent for file in job.files.all()} == {data_dir / "imports" / str(job.pk)}
    assert [uploads.path_of(file).read_text() for file in job.files.all()] == ["one", "two", "three"]
    job.refresh_from_db()
    assert (job.files_total, job.bytes_total) == (3, 11)


@pytest.mark.parametrize("name", ["", "/", "..", "a" * 501])
def test_a_file_needs_a_name(collection: Collection, name: str) -> None:
    with pytest.raises(BadImport, match="needs a name"):
        jobs.add_file(draft(collection, {}), name, [b"x"])


def test_two_files_of_one_name_are_refused_and_nothing_is_left(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one"})

    with pytest.raises(BadImport, match=r"already has a file a\.txt"):
        jobs.add_file(job, "a.txt", [b"two"])

    assert [path.read_text() for path in uploads.folder_of(job).iterdir()] == ["one"]


def test_a_file_above_the_limit_is_refused_and_nothing_is_left(collection: Collection, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "IMPORT_MAX_FILE_MB": 1}
    job = draft(collection, {})

    def much() -> Iterator[bytes]:
        for _ in range(3):
            yield bytes(500_000)

    with pytest.raises(BadImport, match="more than 1 MB"):
        jobs.add_file(job, "a.txt", much())

    assert list(uploads.folder_of(job).iterdir()) == []


def test_a_file_can_be_taken_out_of_a_draft(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one", "b.txt": "two"})

    jobs.remove_file(job.files.get(name="a.txt"))

    job.refresh_from_db()
    assert (job.files_total, job.bytes_total, len(list(uploads.folder_of(job).iterdir()))) == (1, 3, 1)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (ImportOptions(mapping={"a": "nothing"}), "mapping"),
        (ImportOptions(defaults={"state": "gone"}), "defaults"),
        (ImportOptions(duplicates="merge"), "duplicates"),
    ],
)
def test_options_that_cannot_be_used_are_refused(collection: Collection, options: ImportOptions, field: str) -> None:
    job = draft(collection, {})

    with pytest.raises(BadImport) as caught:
        jobs.set_options(job, options)

    assert list(caught.value.problems) == [field]


def test_an_import_without_files_does_not_start(collection: Collection) -> None:
    with pytest.raises(BadImport, match="no file"):
        jobs.start(draft(collection, {}))


def test_an_import_starts_once(collection: Collection) -> None:
    job = finished(draft(collection, {"rows.jsonl": lines({"id": "1", "text": "One."})}))

    for refused in (
        lambda: jobs.start(job),
        lambda: jobs.cancel(job),
        lambda: jobs.add_file(job, "x.txt", [b""]),
        lambda: jobs.set_options(job, ImportOptions()),
        lambda: jobs.remove_file(job.files.get()),
    ):
        with pytest.raises(BadImport):
            refused()
    assert counts(job) == {"read": 1, "created": 1}


def test_a_draft_is_cancelled_at_once(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one"})

    jobs.cancel(job)

    assert (job.status, uploads.folder_of(job).exists()) == (ImportJob.Status.CANCELLED, False)


def test_one_key_of_one_person_makes_one_job(collection: Collection) -> None:
    anna, ben = User.objects.create(username="anna"), User.objects.create(username="ben")

    def make(by: User) -> ImportJob:
        return jobs.create(collection, source=ImportJob.Source.API, by=by, idempotency_key="k-1")

    assert make(anna).pk == make(anna).pk != make(ben).pk
