"""The command import_documents: what gets in, what it prints, how it ends, and how to go on."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command

from search.ingestion import jobs, runner
from search.ingestion.folders import folder_watch
from search.management.commands import import_documents
from search.models import Collection, Document, ImportJob
from search.processes import new_holder
from tests.ingestion.imports import draft, lines

pytestmark = pytest.mark.django_db

ROWS = [{"id": str(number), "title": f"Title {number}"} for number in range(1, 4)]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two texts and a table."""
    root = tmp_path_factory.mktemp("corpus")
    (root / "guide").mkdir()
    (root / "guide" / "first.txt").write_text("The first text.")
    (root / "second.md").write_text("# Second\n\nThe second text.")
    (root / "rows.jsonl").write_text(lines(*ROWS))
    return root


def run(*arguments: object, ends_with: int = 0) -> tuple[str, str]:
    """Return what the command prints and what it complains of."""
    out, err = io.StringIO(), io.StringIO()
    if ends_with:
        with pytest.raises(SystemExit) as ended:
            call_command("import_documents", *map(str, arguments), stdout=out, stderr=err)
        assert ended.value.code == ends_with
    else:
        call_command("import_documents", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def ids() -> set[str]:
    return set(Document.objects.values_list("external_id", flat=True))


# --- What gets in


def test_a_file_is_imported_and_the_counts_are_printed(collection: Collection, folder: Path) -> None:
    said, complained = run(folder / "rows.jsonl")

    assert "into docs: 3 read, 3 created, 0 updated, 0 unchanged, 0 failed in" in said
    assert complained == ""
    assert ids() == {"1", "2", "3"}


def test_an_archive_is_imported(collection: Collection, folder: Path, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "second.md", "inside/second.md")

    run(tmp_path / "all.zip")

    assert ids() == {"inside/second.md"}


def test_a_folder_is_mirrored(collection: Collection, folder: Path) -> None:
    assert "5 read, 5 created" in run(folder)[0]
    (folder / "second.md").write_text("# Second\n\nOther words.")
    (folder / "guide" / "first.txt").unlink()

    said, _complained = run(folder)

    assert "1 updated" in said
    assert "1 deleted" in said
    assert ids() == {"second.md", "1", "2", "3"}


def test_without_mirroring_nothing_is_deleted(collection: Collection, folder: Path) -> None:
    run(folder)
    (folder / "second.md").unlink()

    run(folder, "--no-mirror")

    assert "second.md" in ids()


def test_options_say_how_rows_become_documents(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("nr,Frage=,Antwort\n7,Was?,Das.\n")

    run(
        tmp_path / "faq.csv", "--mapping", "Frage==title", "--mapping", "Antwort=body", "--mapping", "nr=",
        "--key-column", "nr", "--default", "state=draft", "--default", "language=de", "--duplicates", "skip",
    )  # fmt: skip

    document = Document.objects.get()
    assert (document.external_id, document.title, document.body) == ("7", "Was?", "Das.")
    assert (document.state, document.language) == ("draft", "de")
    assert ImportJob.objects.get().duplicates_policy == "skip"


def test_a_dry_run_writes_nothing_and_says_how_to_do_it(collection: Collection, folder: Path) -> None:
    said, _complained = run(folder / "rows.jsonl", "--dry-run")

    assert "3 created" in said
    assert "dry run" in said
    assert not ids()
    run(*said.split("import_documents ")[1].split())
    assert ids() == {"1", "2", "3"}


def test_a_dry_run_into_a_new_collection_leaves_none_behind(folder: Path, db: None) -> None:
    said, _complained = run(folder / "rows.jsonl", "--collection", "new", "--create", "--dry-run")

    assert "3 created" in said
    assert "the same command without --dry-run" in said
    assert not Collection.objects.exists()
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize("option", [["--mapping", "Titel=title"], ["--key-column", "Titel"]], ids=["mapping", "key"])
def test_a_column_that_is_not_there_is_an_error_that_leaves_nothing_behind(
    folder: Path, db: None, option: list[str]
) -> None:
    with pytest.raises(CommandError, match="no column “Titel”; its columns are “id”, “title”"):
        run(folder / "rows.jsonl", "--collection", "new", "--create", *option)

    assert not Collection.objects.exists()
    assert not ImportJob.objects.exists()


def test_all_failures_come_as_json_and_what_was_left_out(collection: Collection, folder: Path) -> None:
    (folder / "rows.jsonl").write_text("{broken\n" * 17)
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out, _complained = run(folder, "--json", ends_with=1)

    facts = json.loads(out)
    assert (len(facts["failures"]), facts["more_failures"]) == (17, 0)
    assert facts["all_failures"] == f"/api/v1/import-jobs/{ImportJob.objects.get().pk}/failures.jsonl"
    assert facts["left_out"] == {"a picture": 1}


def test_the_facts_come_as_json(collection: Collection, folder: Path) -> None:
    (folder / "rows.jsonl").write_text(lines(ROWS[0]) + "{oops\n")

    facts = json.loads(run(folder / "rows.jsonl", "--json", ends_with=1)[0])

    assert (facts["status"], facts["counts"]["created"], facts["counts"]["failed"]) == ("finished", 1, 1)
    assert (facts["failures"][0]["file"], facts["failures"][0]["line"]) == ("rows.jsonl", 2)
    assert facts["import"] == ImportJob.objects.get().pk


def test_nothing_but_the_counts_is_printed_where_nobody_watches(
    collection: Collection, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(folder / "rows.jsonl")

    assert capfd.readouterr() == ("", "")


def test_waiting_ends_when_everything_can_be_found(collection: Collection, folder: Path) -> None:
    said, _complained = run(folder / "rows.jsonl", "--wait")

    assert "3 documents of docs can be found, 0 failed." in said


# --- What does not get in


def test_failed_rows_are_listed_shortly_with_the_way_out(collection: Collection, folder: Path) -> None:
    (folder / "rows.jsonl").write_text(lines(*ROWS) + "{oops\n" * 12)

    said, complained = run(folder / "rows.jsonl", ends_with=1)

    assert "15 read, 3 created, 0 updated, 0 unchanged, 12 failed" in said
    assert complained.count("rows.jsonl, line ") == 10
    assert "rows.jsonl, line 4: " in complained
    assert "and 2 more" in complained
    assert f"/api/v1/import-jobs/{ImportJob.objects.get().pk}/failures.jsonl" in complained


def test_nothing_is_said_to_be_indexed_where_nothing_got_in(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")

    said, _complained = run(tmp_path / "empty.txt", ends_with=1)

    assert "1 failed" in said
    assert "indexes" not in said


def test_a_file_that_cannot_be_read_is_named_with_the_reason(collection: Collection, folder: Path) -> None:
    (folder / "report.pdf").write_bytes(b"MZ\x90\x00 a program")

    _said, complained = run(folder, ends_with=1)

    assert "report.pdf: " in complained
    assert "Mend the files that could not be read" in complained
    assert "failures.jsonl" not in complained
    assert len(ids()) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give one of"),
        (["/nowhere/at-all"], "no file or folder /nowhere/at-all"),
        (["/dev/null"], "no file or folder /dev/null"),
        (["{file}", "--resume", "1"], "Give one of"),
        (["{file}", "--collection", "nope"], "no collection 'nope'; there are: docs. --create makes it"),
        (["{file}", "--collection", "no slug", "--create"], "'no slug' is not a slug"),
        (["{file}", "--mapping", "title"], "'title' is no pair such as"),
        (["{file}", "--mapping", "=title"], "'=title' is no pair"),
        (["{file}", "--mapping", "a=titel"], "'titel'; known fields"),
        (["{file}", "--default", "state=gone"], "gone"),
        (["{file}", "--default", "titel=x"], "no such default"),
        (["{file}", "--duplicates", "maybe"], "invalid choice"),
        (["{file}", "--watch"], "--watch needs a folder"),
        (["--resume", "99"], "no import 99"),
        (["--cancel", "99"], "no import 99"),
    ],
)
def test_what_cannot_be_done_is_said(collection: Collection, folder: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*(argument.replace("{file}", str(folder / "rows.jsonl")) for argument in arguments))
    assert not ids()


def test_the_collection_must_be_named_where_there_are_several(collection: Collection, folder: Path) -> None:
    Collection.objects.create(slug="other", name="Other")

    with pytest.raises(CommandError, match="--collection; there are: docs, other"):
        run(folder / "rows.jsonl")
    run(folder / "rows.jsonl", "--collection", "other")
    assert Document.objects.filter(collection__slug="other").count() == 3


def test_a_collection_is_made_when_asked_for(folder: Path, db: None) -> None:
    run(folder / "rows.jsonl", "--collection", "new", "--create")

    assert Document.objects.filter(collection__slug="new").count() == 3


def test_an_import_that_cannot_go_on_says_why_and_what_to_do(collection: Collection, folder: Path) -> None:
    run(folder)
    shutil.rmtree(folder)
    folder.mkdir()

    with pytest.raises(CommandError, match="empty, but 3 files were imported from it"):
        run(folder)
    assert len(ids()) == 5
    run(folder, "--delete-most")
    assert not ids()
    (folder / "again.txt").write_text("A text.")
    assert "1 created" in run("--resume", ImportJob.objects.get(status="failed").pk)[0]


# --- Going on


def test_ctrl_c_says_how_to_go_on_and_going_on_ends_alike(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_documents, "_show", interrupted)
    _said, complained = run(folder, ends_with=130)
    monkeypatch.undo()

    job = ImportJob.objects.get()
    assert f"--resume {job.pk}" in complained
    assert f"--cancel {job.pk}" in complained
    assert not job.is_over
    assert "5 created" in run("--resume", job.pk)[0]
    assert len(ids()) == 5


def test_an_import_of_a_killed_process_is_taken_up(collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": lines(*ROWS)})
    jobs.start(job)
    dead = new_holder().rsplit(":", 2)[0] + ":0.00:gone"
    ImportJob.objects.update(status=ImportJob.Status.RUNNING, holder=dead)

    assert "3 created" in run("--resume", job.pk)[0]


def test_one_that_a_worker_is_at_is_waited_for(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    job = draft(collection, {"rows.jsonl": lines(*ROWS)})
    jobs.start(job)
    ImportJob.objects.update(holder=new_holder())

    def meanwhile(_seconds: float) -> None:
        ImportJob.objects.update(holder="")
        while runner.run(job.pk):
            pass

    monkeypatch.setattr("search.management.commands.import_documents.time.sleep", meanwhile)

    assert "3 created" in run("--resume", job.pk)[0]


def test_one_that_is_over_is_not_taken_up(collection: Collection, folder: Path) -> None:
    run(folder / "rows.jsonl")

    with pytest.raises(CommandError, match="is over"):
        run("--resume", ImportJob.objects.get().pk)


def test_one_can_be_stopped_for_good(collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": lines(*ROWS)})
    jobs.start(job)

    run("--cancel", job.pk)

    assert "was cancelled" in run("--resume", job.pk, ends_with=1)[0]
    assert not ids()


def test_watching_imports_each_change_and_leaves_no_trace_of_none(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bursts(root: Path, **_options: Any) -> Iterator[None]:
        yield
        yield
        (root / "third.txt").write_text("A third text.")
        yield
        raise KeyboardInterrupt

    monkeypatch.setattr(folder_watch, "bursts", bursts)
    # Between two rounds the command closes connections; the test's own has its transaction open.
    monkeypatch.setattr(import_documents, "close_old_connections", lambda: None)

    said, complained = run(folder, "--watch")

    assert said.count("Import ") == ImportJob.objects.count() == 2
    assert "Stopped." in complained
    assert "third.txt" in ids()
