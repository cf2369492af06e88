"""The list of imports and the page of each: how far it is, and what can be done with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from search.ingestion import failures, jobs, uploads
from search.models import Collection, Document, ImportFailure, ImportJob
from tests.admin.conftest import CountQueries, SignIn
from tests.ingestion.imports import draft, finished, imported, lines
from tests.ingestion.test_runner import zipped

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_importjob_changelist")
IMPORTING = ("add_importjob", "add_document", "change_document")
ROWS = lines({"id": "1", "text": "One."}, {"id": "2", "text": "Two.", "url": "javascript:x"})


def address(job: ImportJob, step: str = "change") -> str:
    return reverse(f"admin:search_importjob_{step}", args=[job.pk])


def test_the_list_shows_status_counts_and_who(admin_client: Client, admin_user: Any, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": ROWS})
    ImportJob.objects.filter(pk=job.pk).update(created_by=admin_user, created=12_345, read=1_234_567)

    page = admin_client.get(LIST).content.decode()

    for shown in ("test", "Docs", "Finished", "1,234,567", "12,345", "admin", "New import"):
        assert shown in page, shown
    assert f"{address(job, 'failures')}?state=open" in page


def test_the_list_needs_no_more_queries_for_more_imports(count_queries: CountQueries, collection: Collection) -> None:
    imported(collection, {"rows.jsonl": ROWS})
    few = count_queries(LIST)
    for _ in range(3):
        imported(collection, {"rows.jsonl": ROWS})
        draft(collection, {})

    assert count_queries(LIST) == few


def test_a_running_import_shows_how_far_it_is_and_asks_again(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A.", "b.txt": "B."})
    now = timezone.now()
    ImportJob.objects.filter(pk=job.pk).update(
        status="running", started_at=now, bytes_done=30, bytes_total=100, read=5_000, current_file="a.txt", files_done=1
    )

    page = admin_client.get(address(job)).content.decode()

    for shown in ("Importing…", "30 %", "5,000", "a.txt", "1 of 2 files", 'hx-trigger="every 1s"', "Cancel"):
        assert shown in page, shown


def test_the_piece_that_moves_says_aloud_only_what_is_new(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A."})
    ImportJob.objects.filter(pk=job.pk).update(
        status="running", started_at=timezone.now(), bytes_done=31, bytes_total=99
    )
    panel = admin_client.get(address(job)).context["panel"]

    quiet = admin_client.get(address(job, "progress"), {"seen": panel.seen, "said": panel.said}).content.decode()
    ImportJob.objects.filter(pk=job.pk).update(bytes_done=50)
    loud = admin_client.get(address(job, "progress"), {"seen": panel.seen, "said": panel.said}).content.decode()

    assert "sem-said" not in quiet
    assert "Importing… 50 %" in loud


def test_the_page_is_loaded_anew_once_the_import_is_over(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": ROWS})
    jobs.start(job)
    seen = admin_client.get(address(job)).context["panel"].seen

    waiting = admin_client.get(address(job, "progress"), {"seen": seen})
    ImportJob.objects.filter(pk=job.pk).update(status="finished")
    over = admin_client.get(address(job, "progress"), {"seen": seen})

    assert "HX-Refresh" not in waiting
    assert over["HX-Refresh"] == "true"


def test_an_import_that_is_over_does_not_ask_again_once_all_is_searchable(
    admin_client: Client, collection: Collection, indexed: Callable[[], int]
) -> None:
    indexed()
    job = imported(collection, {"rows.jsonl": ROWS})
    before = admin_client.get(address(job)).content.decode()
    indexed()
    after = admin_client.get(address(job)).content.decode()

    assert "0 of 1 documents of this collection are searchable" in before
    assert 'hx-trigger="every 2s"' in before
    assert "1 document of this collection is searchable" in after
    assert reverse("admin:search_importjob_progress", args=[job.pk]) not in after


def test_a_queued_import_that_nobody_takes_up_says_so(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": ROWS})
    jobs.start(job)
    ImportJob.objects.update(changed_at=timezone.now() - timedelta(minutes=1))

    assert "No worker has taken it up yet" in admin_client.get(address(job)).content.decode()


def test_what_was_tried_is_imported_or_changed(admin_client: Client, collection: Collection) -> None:
    tried, changed = (finished(draft(collection, {"rows.jsonl": ROWS}), dry_run=True) for _ in range(2))

    page = admin_client.get(address(tried)).content.decode()
    admin_client.post(address(tried, "start"))
    admin_client.post(address(changed, "reopen"))

    assert "1 row would not get in." in page
    assert not Document.objects.exists()
    tried.refresh_from_db()
    changed.refresh_from_db()
    assert (tried.status, tried.dry_run) == ("queued", False)
    assert (changed.status, changed.dry_run, changed.failures.count()) == ("draft", False, 0)


def test_an_import_is_cancelled(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": ROWS})
    jobs.start(job)

    page = admin_client.post(address(job, "cancel"), follow=True).content.decode()

    assert "Stopping after the rows at hand…" in page
    job.refresh_from_db()
    assert job.cancel_requested


def test_an_import_that_could_not_go_on_shows_why_and_goes_on(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": ROWS})
    ImportJob.objects.filter(pk=job.pk).update(status="failed", error="The disk is full.")

    page = admin_client.get(address(job)).content.decode()
    admin_client.post(address(job, "resume"))

    assert "The disk is full." in page
    job.refresh_from_db()
    assert job.status == "queued"


def test_what_is_too_late_is_refused_with_the_reason(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": lines({"id": "1", "text": "One."})})

    said = {step: admin_client.post(address(job, step), follow=True).content.decode() for step in (
        "start", "cancel", "reopen", "resume", "retry"
    )}  # fmt: skip

    assert "has been started already" in said["start"]
    assert "nothing to cancel" in said["cancel"]
    assert "Only a dry run" in said["reopen"]
    assert "Only an import that failed" in said["resume"]
    assert "can be sent again" in said["retry"]


def test_deleting_an_import_removes_its_files_and_keeps_its_documents(
    admin_client: Client, collection: Collection
) -> None:
    job = imported(collection, {"rows.jsonl": ROWS, "a.pdf": b"MZ" + bytes(100)})
    assert uploads.folder_of(job).exists()

    page = admin_client.get(address(job, "delete")).content.decode()
    admin_client.post(address(job, "delete"), {"post": "yes"})

    assert "javascript:x" not in page
    assert not ImportJob.objects.exists()
    assert not ImportFailure.objects.exists()
    assert not uploads.folder_of(job).exists()
    assert Document.objects.count() == 1


def test_an_import_at_work_is_not_deleted(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"rows.jsonl": ROWS})
    jobs.start(job)
    selected = {"action": "delete_selected", "_selected_action": [job.pk], "post": "yes"}

    assert admin_client.post(address(job, "delete"), {"post": "yes"}).status_code == 403
    said = admin_client.post(LIST, selected, follow=True).content.decode()

    assert "cancel it first" in said
    assert ImportJob.objects.count() == 1


def test_who_may_only_look_changes_nothing(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in("view_importjob")
    job = imported(collection, {"rows.jsonl": ROWS})

    assert client.get(LIST).status_code == 200
    assert "New import" not in client.get(LIST).content.decode()
    assert client.get(address(job)).status_code == 200
    for step in ("start", "cancel", "reopen", "resume", "retry", "delete"):
        assert client.post(address(job, step), {"post": "yes"}).status_code == 403, step
        assert client.get(address(job, step)).status_code == 403, step


def test_others_see_nothing_and_strangers_are_asked_to_sign_in(
    sign_in: SignIn, client: Client, collection: Collection
) -> None:
    staff = sign_in("view_document", "add_importjob")
    job = imported(collection, {"rows.jsonl": ROWS})
    failure = reverse("admin:search_importjob_failure", args=[job.pk, job.failures.get().pk])

    for url in (LIST, reverse("admin:search_importjob_add"), address(job), address(job, "progress"),
                address(job, "failures"), address(job, "failures_file"), failure):  # fmt: skip
        assert staff.get(url).status_code == 403, url
        assert "/admin/login/" in client.get(url)["Location"], url


def test_what_changes_something_is_only_ever_a_post(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": ROWS})

    for step in ("files", "start", "cancel", "reopen", "resume", "retry"):
        assert admin_client.get(address(job, step)).status_code == 405, step


@pytest.mark.parametrize("number", ["abc", "1e3", "٣", "99999"])
def test_an_address_without_an_import_is_not_found(admin_client: Client, number: str) -> None:
    assert admin_client.get(f"/admin/search/importjob/{number}/change/").status_code == 404


def test_imports_begin_where_documents_are(admin_client: Client, sign_in: SignIn, collection: Collection) -> None:
    new = f"{reverse('admin:search_importjob_add')}?collection={collection.pk}"

    assert new in admin_client.get(reverse("admin:index")).content.decode()
    assert new not in sign_in("view_collection").get(reverse("admin:index")).content.decode()
    collections = reverse("admin:search_collection_import_files", args=[collection.pk])
    assert admin_client.get(collections)["Location"] == new
    documents = reverse("admin:search_document_import_files")
    assert admin_client.get(documents)["Location"] == reverse("admin:search_importjob_add")


def test_importers_need_no_further_permission(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in(*IMPORTING)
    job = finished(draft(collection, {"rows.jsonl": ROWS}), dry_run=True)

    assert client.get(address(job)).status_code == 200
    assert client.post(address(job, "start")).status_code == 302
    job.refresh_from_db()
    assert job.status == "queued"


def figures_of(client: Client, job: ImportJob) -> dict[str, str]:
    return {figure.name: figure.value for figure in client.get(address(job)).context["panel"].figures}


def test_what_was_mended_does_not_count_as_failed_any_more(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": ROWS})
    before = figures_of(admin_client, job)
    failures.dismiss(job.failures.all())

    after, listed = figures_of(admin_client, job), admin_client.get(LIST).content.decode()

    assert before["Failed"] == "1"
    assert "Taken care of since" not in before
    assert (after["Failed"], after["Taken care of since"]) == ("0", "1")
    assert address(job, "failures") not in listed


def test_clocks_that_differ_give_no_negative_time(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": ROWS})
    assert job.started_at is not None
    ImportJob.objects.filter(pk=job.pk).update(finished_at=job.started_at - timedelta(milliseconds=4))

    assert "-0" not in admin_client.get(address(job)).context["panel"].elapsed
    assert "-0.00 s" not in admin_client.get(LIST).content.decode()


def test_progress_is_told_in_rows_and_bytes(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A."})
    ImportJob.objects.filter(pk=job.pk).update(
        status="running", started_at=timezone.now(), read=12_345, bytes_done=3 << 20, bytes_total=8 << 20
    )

    panel = admin_client.get(address(job)).context["panel"]

    assert (panel.rows, panel.bytes.replace("\xa0", " ")) == ("12,345 rows", "3.0 MB of 8.0 MB")


def test_files_show_their_encoding_and_what_is_doubtful_in_them(admin_client: Client, collection: Collection) -> None:
    mixed = "Größe, Maß\n".encode("cp1252") * 9 + "Größe\n".encode()
    job = imported(collection, {"mixed.txt": mixed, "fine.txt": "Größe"})

    page = admin_client.get(address(job)).content.decode()

    assert "Western Europe (Windows-1252, Latin-1)" in page
    assert "1 line looks like UTF-8" in page
    assert "1 file should be looked at" in page
    assert page.index("mixed.txt") < page.index("fine.txt")


def test_what_an_archive_hides_is_shown_where_it_failed(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"all.zip": zipped({"a.txt": b"A.", "deep/b.pdf": b"MZ\x90\0" * 40})})

    names = [file.name for file in admin_client.get(address(job)).context["files"]]

    assert names == ["deep/b.pdf", "all.zip"]


def test_a_draft_that_is_given_up_is_gone(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A."})
    folder = uploads.folder_of(job)

    page = admin_client.post(address(job, "give_up"), follow=True)

    assert "was given up; nothing of it was written" in page.content.decode()
    assert page.redirect_chain[-1][0] == LIST
    assert not ImportJob.objects.exists()
    assert not folder.exists()


def test_what_has_started_is_not_given_up(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"a.txt": "A."})

    page = admin_client.post(address(job, "give_up"), follow=True).content.decode()

    assert "The import has started already" in page
    assert ImportJob.objects.filter(pk=job.pk).exists()


def test_the_way_to_a_page_names_an_import_as_it_is_written(admin_client: Client, collection: Collection) -> None:
    job = jobs.create(collection, source=ImportJob.Source.UPLOAD, name="katalog.csv")

    page = admin_client.get(address(job)).content.decode()

    assert "Katalog.csv" not in page
    assert "Imports" in page
