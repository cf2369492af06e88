"""A mirrored folder and its collection agree after every round, whatever happened to files, documents and processes."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from search.ingestion import jobs, open_files, runner
from search.ingestion.document_writes import DocumentWrite, Rights, write_documents
from search.ingestion.failures import fields_of, mend
from search.ingestion.folders import folder_scan, folder_sync
from search.ingestion.jobs import ImportOptions
from search.models import Collection, Document, ImportJob, SourceDocument, SourceFile
from search.readers.base import Limits
from search.readers.child_process.sandbox import Sandbox
from tests.ingestion.imports import counts, finished, lines

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all: starting one takes longer than what is tested here."""
    with Sandbox(Limits()) as shared:
        yield shared


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Let the second look at a young file follow the first at once, and every round use the same sandbox."""
    monkeypatch.setattr(folder_scan, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(open_files, "Sandbox", lambda limits: nullcontext(sandbox))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of an operator's, outside the data folder."""
    path = tmp_path / "corpus"
    path.mkdir()
    return path


def put(folder: Path, **files: str) -> None:
    """Write text files; in a keyword, `__` stands for a slash and `_` for a dot."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def draft(collection: Collection, folder: Path, **options: Any) -> ImportJob:
    given = ImportOptions(**{"mirror": True, **options})
    return jobs.create(collection, source=ImportJob.Source.FOLDER, folder=str(folder), options=given)


def synced(collection: Collection, folder: Path, **options: Any) -> ImportJob:
    job = finished(draft(collection, folder, **options))
    assert job.status == ImportJob.Status.FINISHED, job.error
    return job


def bodies(collection: Collection) -> dict[str, str]:
    return {row.external_id: row.body.strip() for row in Document.objects.filter(collection=collection)}


def paths(collection: Collection) -> dict[str, str]:
    return {row.external_id: row.metadata["path"] for row in Document.objects.filter(collection=collection)}


def failures(job: ImportJob) -> dict[str, str]:
    return {failure.file.name: failure.reason for failure in job.failures.all()}


# --- One round after another


def test_files_become_documents_named_by_their_path(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", sub__b_txt="Beta.")

    assert counts(synced(collection, folder)) == {"read": 2, "created": 2}
    assert bodies(collection) == {"a.txt": "Alpha.", "sub/b.txt": "Beta."}
    assert paths(collection) == {"a.txt": "a.txt", "sub/b.txt": "sub/b.txt"}


def test_what_has_not_changed_is_not_read_again(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    Document.objects.filter(external_id="a.txt").update(title="A curator's title")

    job = synced(collection, folder)

    assert (counts(job), job.files_total) == ({"unchanged": 2}, 0)
    assert Document.objects.get(external_id="a.txt").title == "A curator's title"


def test_a_changed_file_updates_its_document(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    before = Document.objects.get(external_id="a.txt").pk
    put(folder, a_txt="Omega.")

    assert counts(synced(collection, folder)) == {"read": 1, "updated": 1, "unchanged": 1}
    assert bodies(collection) == {"a.txt": "Omega.", "b.txt": "Beta."}
    assert Document.objects.get(external_id="a.txt").pk == before


def test_a_change_that_keeps_size_and_time_is_seen(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    long_ago = (1_600_000_000, 1_600_000_000)
    os.utime(folder / "a.txt", long_ago)
    synced(collection, folder)
    put(folder, a_txt="Omega.")
    os.utime(folder / "a.txt", long_ago)

    assert counts(synced(collection, folder)) == {"read": 1, "updated": 1}


def test_a_moved_file_keeps_its_identity_and_its_path_follows(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    Document.objects.filter(external_id="a.txt").update(title="a")  # as readers do that find no title
    before = Document.objects.get(external_id="a.txt")
    put(folder, new__x_txt="Other.")
    (folder / "a.txt").rename(folder / "new" / "alpha.txt")

    job = synced(collection, folder)

    assert counts(job) == {"read": 1, "created": 1, "moved": 1, "unchanged": 1}
    moved = Document.objects.get(pk=before.pk)
    assert (moved.external_id, moved.metadata["path"], moved.title) == ("a.txt", "new/alpha.txt", "alpha")
    assert Document.objects.count() == 3


def test_a_file_that_moved_and_then_changed_is_still_the_same_document(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    (folder / "a.txt").rename(folder / "b.txt")
    synced(collection, folder)
    put(folder, b_txt="Omega.")

    assert counts(synced(collection, folder)) == {"read": 1, "updated": 1}
    assert (bodies(collection), paths(collection)) == ({"a.txt": "Omega."}, {"a.txt": "b.txt"})


def test_a_new_file_at_the_old_path_of_a_moved_one_is_another_document(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    (folder / "a.txt").rename(folder / "b.txt")
    synced(collection, folder)
    put(folder, a_txt="Newcomer.")
    synced(collection, folder)

    assert bodies(collection) == {"a.txt": "Alpha.", "a.txt (2)": "Newcomer."}
    assert paths(collection) == {"a.txt": "b.txt", "a.txt (2)": "a.txt"}
    assert counts(synced(collection, folder)) == {"unchanged": 2}


def test_two_files_of_the_same_content_are_two_documents_wherever_they_move(
    collection: Collection, folder: Path
) -> None:
    put(folder, one__a_txt="Same.", two__a_txt="Same.")
    synced(collection, folder)
    (folder / "one").rename(folder / "three")

    assert counts(synced(collection, folder)) == {"moved": 1, "unchanged": 1}
    assert paths(collection) == {"one/a.txt": "three/a.txt", "two/a.txt": "two/a.txt"}


def test_a_moved_file_with_another_ending_is_read_again_as_the_same_document(
    collection: Collection, folder: Path
) -> None:
    put(folder, a_txt="# Alpha\n\nText.")
    synced(collection, folder)
    (folder / "a.txt").rename(folder / "a.md")

    job = synced(collection, folder)

    assert (job.read, job.moved, Document.objects.get().title) == (1, 1, "Alpha")
    assert Document.objects.get().external_id == "a.txt"


def test_the_documents_of_deleted_files_are_deleted_only_by_a_mirror(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    (folder / "a.txt").unlink()

    assert counts(synced(collection, folder, mirror=False)) == {"unchanged": 1}
    assert len(bodies(collection)) == 2
    assert counts(synced(collection, folder)) == {"unchanged": 1, "deleted": 1}
    assert bodies(collection) == {"b.txt": "Beta."}
    assert counts(synced(collection, folder)) == {"unchanged": 1}


def test_a_document_that_somebody_deleted_comes_back(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    Document.objects.filter(external_id="a.txt").delete()

    assert counts(synced(collection, folder)) == {"read": 1, "created": 1, "unchanged": 1}


def test_documents_from_elsewhere_are_left_alone(collection: Collection, folder: Path) -> None:
    write_documents(collection, [DocumentWrite("by-api", {"body": "Mine."})], Rights(create=True, replace=True))
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    (folder / "a.txt").unlink()
    put(folder, b_txt="Beta.")
    synced(collection, folder)

    assert bodies(collection) == {"by-api": "Mine.", "b.txt": "Beta."}


def test_other_settings_read_everything_again(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)

    assert counts(synced(collection, folder, defaults={"language": "de"})) == {"read": 1, "updated": 1}
    assert Document.objects.get().language == "de"


# --- Rows and archives


def test_rows_that_are_gone_from_a_file_are_deleted_with_it_changed(collection: Collection, folder: Path) -> None:
    rows = [{"id": str(number), "text": f"Row {number}."} for number in range(4)]
    put(folder, rows_jsonl=lines(*rows))
    assert counts(synced(collection, folder)) == {"read": 4, "created": 4}
    put(folder, rows_jsonl=lines(*rows[:2], {"id": "9", "text": "Row 9."}))

    assert counts(synced(collection, folder)) == {"read": 3, "unchanged": 2, "created": 1, "deleted": 2}
    assert set(bodies(collection)) == {"0", "1", "9"}


def test_a_row_that_cannot_be_read_deletes_nobody(collection: Collection, folder: Path) -> None:
    put(folder, rows_jsonl=lines({"id": "1", "text": "One."}, {"id": "2", "text": "Two."}))
    synced(collection, folder)
    put(folder, rows_jsonl='{"id": "1", "text": "One."}\n{"id": "2", "text": broken\n')

    assert counts(synced(collection, folder)) == {"read": 2, "unchanged": 1, "failed": 1}
    assert set(bodies(collection)) == {"1", "2"}


def test_rows_without_an_id_keep_their_documents_when_their_file_moves(collection: Collection, folder: Path) -> None:
    put(folder, rows_csv="text\nOne.\nTwo.\n")
    synced(collection, folder)
    before = set(Document.objects.values_list("pk", "external_id"))
    (folder / "rows.csv").rename(folder / "moved.csv")
    assert counts(synced(collection, folder)) == {"moved": 2}
    put(folder, moved_csv="text\nOne!\nTwo.\n")

    assert counts(synced(collection, folder)) == {"read": 2, "updated": 1, "unchanged": 1}
    assert set(Document.objects.values_list("pk", "external_id")) == before


def test_a_row_in_two_files_stays_until_both_are_gone(collection: Collection, folder: Path) -> None:
    put(folder, a_jsonl=lines({"id": "1", "text": "One."}), b_jsonl=lines({"id": "1", "text": "One."}), c_txt="C.")
    synced(collection, folder)
    (folder / "a.jsonl").unlink()
    assert "deleted" not in counts(synced(collection, folder))
    (folder / "b.jsonl").unlink()

    assert counts(synced(collection, folder))["deleted"] == 1
    assert set(bodies(collection)) == {"c.txt"}


def pack(path: Path, **files: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)


def test_an_archive_is_one_file_of_many_documents(collection: Collection, folder: Path) -> None:
    pack(folder / "old.zip", a_txt="Alpha.", b_txt="Beta.")
    put(folder, a_txt="Loose.")
    synced(collection, folder)
    assert bodies(collection) == {"a.txt": "Loose.", "old.zip/a.txt": "Alpha.", "old.zip/b.txt": "Beta."}
    assert counts(synced(collection, folder)) == {"unchanged": 3}

    (folder / "old.zip").rename(folder / "new.zip")
    assert counts(synced(collection, folder)) == {"moved": 2, "unchanged": 1}
    assert paths(collection)["old.zip/a.txt"] == "new.zip/a.txt"

    pack(folder / "new.zip", a_txt="Alpha!", c_txt="Gamma.")
    synced(collection, folder)
    assert bodies(collection) == {"a.txt": "Loose.", "old.zip/a.txt": "Alpha!", "old.zip/c.txt": "Gamma."}


# --- What is left out, and what cannot be taken


def test_hidden_files_scratch_files_and_links_are_left_out(
    collection: Collection, folder: Path, data_dir: Path
) -> None:
    put(folder, a_txt="Alpha.")
    for name in ("node_modules", ".git"):
        (folder / name).mkdir()
        (folder / name / "x.txt").write_text("No.")
    for name in (".hidden.txt", "a.txt~", ".a.txt.swp", "a.txt.part", "a.tmp", "~$a.docx", "#a.txt#"):
        (folder / name).write_text("No.")
    (data_dir / "secret.txt").write_text("Secret.")
    (folder / "secret.txt").symlink_to(data_dir / "secret.txt")
    (folder / "outside").symlink_to(data_dir)
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.txt")

    job = synced(collection, folder)

    assert (bodies(collection), failures(job)) == ({"a.txt": "Alpha."}, {})


def test_files_that_cannot_be_taken_fail_alone_with_the_reason(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, a_txt="Alpha.", locked_txt="Locked.")
    os.close(os.open(os.fsencode(folder) + b"/bad\xff.txt", os.O_CREAT))
    (folder / ("x" * 250)).mkdir()
    (folder / ("x" * 250) / ("y" * 240)).write_text("Long.")
    real = folder_scan._sha256

    def denied(path: Path, beat: Callable[[], None]) -> str:
        if path.name == "locked.txt":  # whoever runs this may be root, to whom nothing is locked
            raise PermissionError(13, "Permission denied")
        return real(path, beat)

    with monkeypatch.context() as patch:
        patch.setattr(folder_scan, "_sha256", denied)
        job = synced(collection, folder)

    assert bodies(collection) == {"a.txt": "Alpha."}
    reasons = failures(job)
    assert job.failed == len(reasons) == 3
    assert reasons["locked.txt"] == "It cannot be read: Permission denied."
    assert reasons["bad\ufffd.txt"] == "Its name is not valid UTF-8. Rename it."
    assert any("Shorten it" in reason for reason in reasons.values())
    assert synced(collection, folder).created == 1  # as soon as it can be read


def test_a_file_that_is_being_written_waits_for_the_next_round(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.")
    synced(collection, folder)
    put(folder, a_txt="Half of")
    real = folder_scan._sha256

    def meanwhile(path: Path, beat: Callable[[], None]) -> str:
        digest = real(path, beat)
        if path.name == "a.txt":
            with path.open("a") as handle:
                handle.write(" the text")
        return digest

    with monkeypatch.context() as patch:
        patch.setattr(folder_scan, "_sha256", meanwhile)
        assert counts(synced(collection, folder)) == {"unchanged": 1}
    assert bodies(collection)["a.txt"] == "Alpha."
    assert counts(synced(collection, folder)) == {"read": 1, "updated": 1, "unchanged": 1}


def test_a_file_that_changes_while_it_is_read_is_read_again(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, a_txt="Alpha.")
    real = folder_sync.file_done

    def changed_meanwhile(*args: Any) -> None:
        put(folder, a_txt="Alpha and omega.")
        real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(folder_sync, "file_done", changed_meanwhile)
        synced(collection, folder)
    synced(collection, folder)

    assert bodies(collection) == {"a.txt": "Alpha and omega."}


def test_a_link_that_takes_a_files_place_before_it_is_read_is_not_followed(
    collection: Collection, folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, a_txt="Alpha.", sub__a_txt="Beta.")
    outside = data_dir / "outside"
    put(outside, a_txt="Secret.")
    real = folder_sync.prepare

    def swapped(job: ImportJob) -> None:
        real(job)
        (folder / "a.txt").unlink()
        (folder / "a.txt").symlink_to(outside / "a.txt")
        (folder / "sub").rename(folder / "away")
        (folder / "sub").symlink_to(outside)

    monkeypatch.setattr(folder_sync, "prepare", swapped)
    job = synced(collection, folder)

    assert (bodies(collection), set(failures(job))) == ({}, {"a.txt", "sub/a.txt"})


# --- When deleting would be a mistake


def test_a_missing_folder_is_an_error_and_deletes_nothing(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    folder.rename(folder.with_name("unmounted"))

    job = finished(draft(collection, folder))

    assert (job.status, job.deleted) == (ImportJob.Status.FAILED, 0)
    assert str(folder) in job.error and "Mount" in job.error
    assert len(bodies(collection)) == 1


def test_an_empty_folder_deletes_only_when_allowed_to(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    (folder / "a.txt").unlink()

    job = finished(draft(collection, folder))
    assert job.status == ImportJob.Status.FAILED and "is empty" in job.error
    assert counts(synced(collection, folder, delete_most=True)) == {"deleted": 1}


def test_when_most_files_are_gone_nothing_is_deleted_unless_allowed(collection: Collection, folder: Path) -> None:
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(f"Text {number}.")
    synced(collection, folder)
    for number in range(7):
        (folder / f"{number:02}.txt").unlink()
    put(folder, new_txt="New.")

    job = synced(collection, folder)
    assert counts(job) == {"read": 1, "created": 1, "unchanged": 5, "failed": 1}
    assert "7 of the 12 files" in failures(job)["."]
    assert counts(synced(collection, folder, delete_most=True)) == {"unchanged": 6, "deleted": 7}


def test_a_folder_that_cannot_be_listed_deletes_nothing(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, a_txt="Alpha.", sub__b_txt="Beta.", c_txt="C.")
    synced(collection, folder)
    (folder / "c.txt").unlink()
    real = os.scandir

    def denied(path: Any) -> Any:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    job = synced(collection, folder)

    assert (job.deleted, set(failures(job))) == (0, {"sub"})
    assert len(bodies(collection)) == 3


def test_a_second_folder_does_not_take_over_documents_of_the_first(
    collection: Collection, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    put(folder, readme_txt="First.", a_txt="Alpha.")
    put(other, readme_txt="Second.", b_txt="Beta.")
    synced(collection, folder)

    job = synced(collection, other)

    assert bodies(collection) == {"readme.txt": "First.", "a.txt": "Alpha.", "b.txt": "Beta."}
    assert str(folder) in failures(job)["readme.txt"]
    (other / "readme.txt").unlink()
    synced(collection, other)
    assert bodies(collection)["readme.txt"] == "First."


# --- Dry runs, kills, and two at once


def test_a_dry_run_counts_and_changes_nothing(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", b_txt="Beta.", c_txt="C.")
    synced(collection, folder)
    (folder / "a.txt").unlink()
    (folder / "b.txt").rename(folder / "d.txt")
    put(folder, e_txt="E.")
    before = (bodies(collection), paths(collection), list(SourceFile.objects.values()))

    job = finished(draft(collection, folder), dry_run=True)

    expected = {"read": 1, "created": 1, "unchanged": 1, "moved": 1, "deleted": 1}
    assert counts(job) == expected
    assert (bodies(collection), paths(collection), list(SourceFile.objects.values())) == before
    assert counts(finished(job)) == expected


class Killed(BaseException):
    """What stands for kill -9: nothing catches it."""


def killed_at(number: int) -> Callable[..., Any]:
    """Return a wrapper of the database that kills before the given transaction: what is in one leaves no trace."""
    outside = len(connection.savepoint_ids)
    seen = 0

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        begins = sql.startswith(("INSERT", "UPDATE", "DELETE", "SAVEPOINT"))
        if begins and len(connection.savepoint_ids) == outside:
            seen += 1
            if seen == number:
                raise Killed
        return execute(sql, params, many, context)

    return wrapper


def killed_and_resumed(job: ImportJob, number: int) -> bool:
    """Run a job, kill it before the given transaction, and run it to its end; tells whether it was killed."""
    killed = False
    try:
        with connection.execute_wrapper(killed_at(number)):
            while runner.run(job.pk):
                pass
    except Killed:
        killed = True
        ImportJob.objects.filter(pk=job.pk).update(holder="")  # a killed process is seen to be gone
    while runner.run(job.pk):
        pass
    job.refresh_from_db()
    return killed


def test_killed_before_any_of_its_transactions_a_round_ends_as_if_nothing_had_happened(
    collection: Collection, folder: Path
) -> None:
    put(
        folder,
        a_txt="A.",
        b_txt="B.",
        c_txt="C.",
        rows_jsonl=lines({"id": "1", "text": "1."}, {"id": "2", "text": "2"}),
    )
    pack(folder / "p.zip", x_txt="X.", y_txt="Y.")
    synced(collection, folder)
    before = Document.objects.get(external_id="b.txt").pk
    put(folder, a_txt="A!", d_txt="D.", rows_jsonl=lines({"id": "2", "text": "2!"}))
    (folder / "b.txt").rename(folder / "moved.txt")
    (folder / "c.txt").unlink()
    pack(folder / "p.zip", x_txt="X.")
    job = draft(collection, folder)
    jobs.start(job)
    killed, number = True, 0
    while killed:
        number += 1
        with transaction.atomic():
            killed = killed_and_resumed(job, number)
            assert (job.status, job.error) == (ImportJob.Status.FINISHED, ""), number
            assert counts(job) == {"read": 4, "created": 1, "updated": 2, "unchanged": 1, "moved": 1, "deleted": 3}
            assert bodies(collection) == {"a.txt": "A!", "b.txt": "B.", "d.txt": "D.", "2": "2!", "p.zip/x.txt": "X."}
            moved = Document.objects.get(external_id="b.txt")
            assert (moved.pk, moved.metadata["path"]) == (before, "moved.txt")
            assert set(SourceDocument.objects.values_list("external_id", flat=True)) == set(bodies(collection))
            transaction.set_rollback(True)
    assert number > 12


def test_a_later_round_ends_an_earlier_one_that_is_still_at_it(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    earlier = draft(collection, folder)
    jobs.start(earlier)

    synced(collection, folder)
    runner.run(earlier.pk)

    earlier.refresh_from_db()
    assert (earlier.status, bodies(collection)) == (ImportJob.Status.CANCELLED, {"a.txt": "Alpha."})


def test_the_number_of_queries_does_not_grow_with_the_files(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.")
    synced(collection, folder)
    few = _queries_of_preparing(collection, folder)
    for number in range(9):
        (folder / f"{number}.txt").write_text(f"Text {number}.")
    synced(collection, folder)

    assert _queries_of_preparing(collection, folder) == few


def _queries_of_preparing(collection: Collection, folder: Path) -> int:
    with CaptureQueriesContext(connection) as queries:
        synced(collection, folder)
    return len(queries)


# --- Two files with one identity


def row(number: str, text: str) -> dict[str, str]:
    return {"id": number, "text": text}


def test_the_second_file_with_an_id_is_refused_until_the_first_is_gone(collection: Collection, folder: Path) -> None:
    put(folder, a_jsonl=lines(row("1", "Of a.")), b_jsonl=lines(row("1", "Of b."), row("2", "Two.")))

    first = synced(collection, folder)
    assert (counts(first), bodies(collection)) == ({"read": 3, "created": 2, "failed": 1}, {"1": "Of a.", "2": "Two."})
    assert "at a.jsonl, line 1" in failures(first)["b.jsonl"]
    assert counts(synced(collection, folder)) == {"unchanged": 2}

    (folder / "a.jsonl").unlink()
    assert counts(synced(collection, folder)) == {"read": 2, "updated": 1, "unchanged": 1}
    assert bodies(collection) == {"1": "Of b.", "2": "Two."}

    (folder / "b.jsonl").unlink()
    put(folder, c_txt="Gamma.")
    synced(collection, folder, delete_most=True)
    assert bodies(collection) == {"c.txt": "Gamma."}


def test_a_new_file_does_not_take_the_document_of_one_that_is_unchanged(collection: Collection, folder: Path) -> None:
    put(folder, b_jsonl=lines(row("1", "Of b.")))
    synced(collection, folder)
    put(folder, a_jsonl=lines(row("1", "Of a.")))

    job = synced(collection, folder)
    assert "used by b.jsonl" in failures(job)["a.jsonl"]
    assert bodies(collection) == {"1": "Of b."}

    put(folder, b_jsonl=lines(row("3", "Other.")))
    synced(collection, folder)
    assert bodies(collection) == {"1": "Of a.", "3": "Other."}


def test_a_row_may_move_from_one_file_to_another(collection: Collection, folder: Path) -> None:
    put(folder, a_jsonl=lines(row("1", "One."), row("2", "Two.")), b_jsonl=lines(row("3", "Three.")))
    synced(collection, folder)
    put(folder, a_jsonl=lines(row("2", "Two.")), b_jsonl=lines(row("3", "Three."), row("1", "One.")))

    assert synced(collection, folder).failed == 0
    assert set(bodies(collection)) == {"1", "2", "3"}


# --- What is no document


PNG = "\x89PNG"


def test_what_is_no_document_is_counted_and_never_a_failure(collection: Collection, folder: Path) -> None:
    put(folder, a_txt="Alpha.", site_css="b {}", logo_png=PNG, sub__font="wOF2")
    (folder / "sub" / "font").write_bytes(b"wOF2" + bytes(100))
    (folder / "picture").write_bytes(b"GIF89a\0\0")
    (folder / ".hidden").mkdir()
    put(folder / ".hidden", b_txt="Beta.")

    first = synced(collection, folder)
    again = synced(collection, folder)

    assert counts(first) == {"read": 1, "created": 1, "left_out": 4}
    assert (counts(again), again.files_total) == ({"unchanged": 1}, 0)


def test_what_could_not_be_read_is_tried_again_when_it_or_what_is_allowed_changes(
    collection: Collection, folder: Path, settings: Any
) -> None:
    put(folder, a_txt="Alpha.", b_pdf="MZ\0\0\0", c_txt="")
    old = 1_000_000_000
    for path in folder.iterdir():
        os.utime(path, (old, old))
    first = synced(collection, folder)
    again = synced(collection, folder)

    assert (first.failed, first.files_total, first.created) == (2, 3, 1)
    assert (counts(again), again.files_total) == ({"unchanged": 1}, 0)

    settings.SEMSEARCH = {**settings.SEMSEARCH, "IMPORT_MAX_PAGES": 7}
    assert synced(collection, folder).failed == 2
    put(folder, b_pdf="MZ\0\0\0\0")
    assert synced(collection, folder).failed == 1


# --- Dry runs and mended rows


def test_a_dry_run_counts_rows_that_are_gone_from_a_changed_file(collection: Collection, folder: Path) -> None:
    put(folder, a_jsonl=lines(row("1", "One."), row("2", "Two."), row("3", "Three.")), b_txt="Beta.")
    synced(collection, folder)
    put(folder, a_jsonl=lines(row("1", "One, too."), row("4", "Four.")))

    dry = finished(draft(collection, folder), dry_run=True)
    done = synced(collection, folder)

    assert counts(dry) == counts(done) == {"read": 2, "created": 1, "updated": 1, "unchanged": 1, "deleted": 2}


@pytest.mark.parametrize("external_id", ["2", "2b"])
def test_what_was_mended_belongs_to_its_file(collection: Collection, folder: Path, external_id: str) -> None:
    put(folder, a_jsonl=lines(row("1", "One."), {**row("2", "Two."), "url": "javascript:x"}), b_txt="Beta.")
    failure = synced(collection, folder).failures.get()
    mend(failure, {**fields_of(failure), "external_id": external_id, "url": ""})

    put(folder, a_jsonl=lines(row("1", "One, too."), {**row("2", "Two."), "url": "javascript:x"}))
    synced(collection, folder)
    assert set(bodies(collection)) == {"1", external_id, "b.txt"}

    (folder / "a.jsonl").unlink()
    synced(collection, folder)
    assert set(bodies(collection)) == {"b.txt"}
