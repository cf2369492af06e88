"""What did not get in: listed with its reasons, mended, sent again, put aside, downloaded."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from search.models import Collection, Document, ImportFailure, ImportJob
from tests.admin import hostile
from tests.admin.conftest import SignIn
from tests.ingestion.imports import draft, finished, imported, lines

pytestmark = pytest.mark.django_db

ROWS = lines(
    {"id": "1", "text": "One."},
    {"id": "2", "text": "Two.", "url": "javascript:x", "office": "HR"},
    {"id": "3", "text": "Three.", "url": "javascript:y"},
    {"id": "4", "text": "Four.", "groups": ["Nobody"]},
)


@pytest.fixture
def job(collection: Collection) -> ImportJob:
    return imported(collection, {"rows.jsonl": ROWS + "{broken\n"})


def list_of(job: ImportJob) -> str:
    return reverse("admin:search_importjob_failures", args=[job.pk])


def form_of(job: ImportJob, external_id: str) -> str:
    return reverse("admin:search_importjob_failure", args=[job.pk, job.failures.get(external_id=external_id).pk])


def served(page: Any, **filled: str) -> dict[str, str]:
    """Return the form as a browser would send it, with some fields filled in."""
    return {**{bound.name: bound.value() or "" for bound in page.context["form"]}, "metadata": "{}", **filled}


def test_rows_are_listed_with_place_reason_and_original(admin_client: Client, job: ImportJob) -> None:
    page = admin_client.get(list_of(job)).content.decode()

    assert "rows.jsonl" in page
    assert "line 2" in page
    assert "runs a script" in page
    assert "{broken" in page
    assert "4 failures" in page


def test_the_list_is_narrowed_by_state_and_reason(admin_client: Client, job: ImportJob) -> None:
    two = job.failures.get(external_id="2")
    ImportFailure.objects.filter(external_id="3").update(state="dismissed")

    def ids(**query: str) -> list[str]:
        return [failure.external_id for failure in admin_client.get(list_of(job), query).context["page"].object_list]

    assert ids(reason=two.reason) == ["2", "3"]
    assert ids(reason=two.reason, state="open") == ["2"]
    assert ids(state="dismissed") == ["3"]
    assert ids(state="nonsense") == ["2", "3", "4", ""]
    assert "Nothing here" in admin_client.get(list_of(job), {"state": "sent"}).content.decode()


def test_the_list_comes_in_pages(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"rows.jsonl": lines(*({"id": f"{n}", "url": "javascript:x"} for n in range(60)))})

    page = admin_client.get(list_of(job), {"state": "open", "page": "2"})

    assert len(page.context["page"].object_list) == 10
    assert "?state=open&amp;page=1" in page.content.decode()


def test_a_row_is_mended_and_leads_to_its_document(admin_client: Client, job: ImportJob) -> None:
    page = admin_client.get(form_of(job, "2"))
    assert page.context["form"]["body"].value() == "Two."
    assert "javascript:x" in page.content.decode()

    values = served(page, url="https://example.org/", metadata='{"office": "IT"}')
    answer = admin_client.post(form_of(job, "2"), values, follow=True)

    document = Document.objects.get(external_id="2")
    assert (document.body, document.url, document.metadata) == ("Two.", "https://example.org/", {"office": "IT"})
    assert reverse("admin:search_document_change", args=[document.pk]) in answer.content.decode()
    assert job.failures.get(external_id="2").state == "sent"


def test_what_is_still_wrong_is_said_beside_its_field(admin_client: Client, job: ImportJob) -> None:
    values = served(admin_client.get(form_of(job, "2")))

    still = admin_client.post(form_of(job, "2"), values)
    no_json = admin_client.post(form_of(job, "2"), {**values, "url": "", "metadata": "{"})
    group = admin_client.post(form_of(job, "4"), served(admin_client.get(form_of(job, "4"))))

    assert "runs a script" in str(still.context["form"]["url"].errors)
    assert "not valid JSON" in str(no_json.context["form"]["metadata"].errors)
    assert "Nobody" in str(group.context["form"]["groups"].errors)
    assert Document.objects.count() == 1


def test_the_next_one_follows_on_request(admin_client: Client, job: ImportJob) -> None:
    values = served(admin_client.get(form_of(job, "2")), url="", next="1")

    assert admin_client.post(form_of(job, "2"), values)["Location"] == form_of(job, "3")


def test_a_row_that_was_sent_again_is_not_written_twice(admin_client: Client, job: ImportJob) -> None:
    values = served(admin_client.get(form_of(job, "2")), url="")
    admin_client.post(form_of(job, "2"), values)

    again = admin_client.post(form_of(job, "2"), {**values, "title": "Overwritten"})

    assert "has been sent again already" in again.content.decode()
    assert Document.objects.get(external_id="2").title == ""


def test_a_whole_file_is_written_by_hand(admin_client: Client, collection: Collection) -> None:
    job = imported(collection, {"folder/a.pdf": b"MZ" + bytes(100)})
    url = form_of(job, "folder/a.pdf")

    page = admin_client.get(url)
    admin_client.post(url, served(page, title="Typed", body="By hand."))

    assert "could not be read" in page.content.decode()
    assert Document.objects.get(external_id="folder/a.pdf").title == "Typed"


def test_ticked_rows_or_all_of_a_filter_are_put_aside(admin_client: Client, job: ImportJob) -> None:
    two = job.failures.get(external_id="2")

    admin_client.post(list_of(job), {"failure": [two.pk, "nonsense"]})
    assert list(job.failures.filter(state="dismissed")) == [two]

    admin_client.post(f"{list_of(job)}?reason={two.reason}", {"all": "1"})
    assert set(job.failures.filter(state="dismissed").values_list("external_id", flat=True)) == {"2", "3"}


def test_failed_rows_are_sent_again_as_a_new_import(admin_client: Client, job: ImportJob) -> None:
    answer = admin_client.post(reverse("admin:search_importjob_retry", args=[job.pk]))

    again = ImportJob.objects.get(retry_of=job)
    assert again.status == "queued"
    assert answer["Location"] == reverse("admin:search_importjob_change", args=[again.pk])


def test_the_open_ones_are_downloaded_as_lines(admin_client: Client, job: ImportJob) -> None:
    answer = admin_client.get(reverse("admin:search_importjob_failures_file", args=[job.pk]))

    rows = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert answer["Content-Disposition"] == f'attachment; filename="import-{job.pk}-failures.jsonl"'
    assert [row.get("id") for row in rows] == ["2", "3", "4", None]


def test_what_was_only_tried_is_shown_and_not_mended(admin_client: Client, collection: Collection) -> None:
    job = finished(draft(collection, {"rows.jsonl": ROWS}), dry_run=True)

    page = admin_client.get(list_of(job)).content.decode()
    mended = admin_client.post(form_of(job, "2"), {"external_id": "2", "url": ""}, follow=True).content.decode()
    admin_client.post(reverse("admin:search_importjob_retry", args=[job.pk]))

    assert "This was only tried" in page
    assert "This was only tried" in mended
    assert not Document.objects.exists()
    assert ImportJob.objects.count() == 1


def test_hostile_rows_are_escaped(admin_client: Client, collection: Collection) -> None:
    row = {"id": "1", "title": hostile.TEXT, "body": hostile.TEXT, "url": "javascript:x", hostile.SCRIPT: hostile.TEXT}
    job = imported(collection, {"rows.jsonl": lines(row)})

    for url in (list_of(job), form_of(job, "1")):
        page = admin_client.get(url).content.decode()
        assert hostile.SCRIPT not in page, url


def test_who_may_only_look_reads_and_puts_nothing_aside(sign_in: SignIn, job: ImportJob) -> None:
    client = sign_in("view_importjob")

    assert client.get(list_of(job)).status_code == 200
    assert client.post(list_of(job), {"all": "1"}).status_code == 403
    assert client.get(form_of(job, "2")).status_code == 403
    assert not job.failures.filter(state="dismissed").exists()


def test_another_imports_row_is_not_found(admin_client: Client, job: ImportJob, collection: Collection) -> None:
    other = imported(collection, {"rows.jsonl": ROWS})
    failure = job.failures.get(external_id="2")

    assert admin_client.get(reverse("admin:search_importjob_failure", args=[other.pk, failure.pk])).status_code == 404
