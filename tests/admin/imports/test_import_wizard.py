"""The steps before an import starts: where it goes, its files, what its columns mean."""

import errno
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from search.admin.imports import import_requests
from search.ingestion import jobs, preview, uploads
from search.models import Collection, Document, ImportJob
from search.readers.child_process.reader_process import ReadersUnavailable
from tests.admin import hostile
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument
from tests.ingestion.imports import draft, finished
from tests.ingestion.test_runner import zipped

pytestmark = pytest.mark.django_db

NEW = reverse("admin:search_importjob_add")
IMPORTING = ("add_importjob", "add_document", "change_document")
ROWS = "id,question,answer,office\n1,How?,So.,HR\n2,Why?,Because.,IT\n"


def page_of(job: ImportJob) -> str:
    return reverse("admin:search_importjob_change", args=[job.pk])


def send(client: Client, job: ImportJob, name: str, content: bytes, query: str = "", **headers: Any) -> Any:
    """Send a file as the page's script does."""
    url = reverse("admin:search_importjob_files", args=[job.pk])
    return client.post(f"{url}?name={name}{query}", content, content_type="application/octet-stream", **headers)


def test_a_plain_form_makes_a_draft_with_its_files(admin_client: Client, collection: Collection) -> None:
    files = [SimpleUploadedFile("faq.csv", ROWS.encode()), SimpleUploadedFile("note.txt", b"A note.")]

    answer = admin_client.post(NEW, {"collection": collection.pk, "files": files})

    job = ImportJob.objects.get()
    assert answer["Location"] == page_of(job)
    assert (job.collection, job.name, job.status) == (collection, "faq.csv and 1 more", "draft")
    assert [(file.name, file.size) for file in job.files.all()] == [("faq.csv", len(ROWS)), ("note.txt", 7)]


def test_a_script_is_told_where_to_send_the_files(admin_client: Client, collection: Collection) -> None:
    values = {"collection": collection.pk, "first": "folder/a.txt", "others": "2999"}

    answer = admin_client.post(NEW, values, headers={"accept": "application/json"})

    job = ImportJob.objects.get()
    assert job.name == "folder/a.txt and 2,999 more"
    assert answer.json() == {"upload": reverse("admin:search_importjob_files", args=[job.pk]), "next": page_of(job)}


@pytest.mark.parametrize(
    ("name", "slug"), [("Staff handbook", "staff-handbook"), ("手册", "collection"), ("docs!", "docs-2")]
)
def test_a_new_collection_is_made_by_its_name(
    admin_client: Client, collection: Collection, name: str, slug: str
) -> None:
    admin_client.post(NEW, {"new_collection": name, "files": SimpleUploadedFile("a.txt", b"A.")})

    made = ImportJob.objects.get().collection
    assert (made.name, made.slug) == (name, slug)


def test_a_new_collection_of_a_name_that_is_taken_is_refused(admin_client: Client, collection: Collection) -> None:
    name = collection.name.upper()

    page = admin_client.post(NEW, {"new_collection": name, "files": SimpleUploadedFile("a.txt", b"A.")})

    assert f"There is a collection “{name}” already. Choose it above" in page.content.decode()
    assert not ImportJob.objects.exists()


def test_a_new_collection_goes_with_the_draft_that_is_given_up(admin_client: Client, collection: Collection) -> None:
    for target in ({"new_collection": "Handbook"}, {"collection": collection.pk}):
        admin_client.post(NEW, {**target, "files": SimpleUploadedFile("a.txt", b"A.")})
        job = ImportJob.objects.get()
        admin_client.post(reverse("admin:search_importjob_give_up", args=[job.pk]))

    assert list(Collection.objects.all()) == [collection]


def test_who_may_not_add_collections_is_not_offered_a_new_one(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in(*IMPORTING)

    page = client.get(NEW, {"collection": collection.pk})
    client.post(NEW, {"new_collection": "Sneaked in", "files": SimpleUploadedFile("a.txt", b"A.")})

    assert f'<option value="{collection.pk}" selected>' in page.content.decode()
    assert "new_collection" not in page.content.decode()
    assert not Collection.objects.filter(name="Sneaked in").exists()


def test_neither_collection_nor_file_is_an_error_of_the_form(admin_client: Client, collection: Collection) -> None:
    page = admin_client.post(NEW, {}).content.decode()
    said = admin_client.post(NEW, {}, headers={"accept": "application/json"})

    assert "Choose at least one file." in page
    assert said.status_code == 400
    assert said.json() == {"collection": ["Choose the collection that the documents go to."]}
    assert not ImportJob.objects.exists()


def test_a_file_is_streamed_under_its_path(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {})
    content = b"x" * (3 << 20)

    answer = send(admin_client, job, "a%20folder/%C3%A9.txt", content)

    file = job.files.get()
    assert (answer.status_code, answer.json()) == (201, {"size": len(content)})
    assert (file.name, uploads.path_of(file).read_bytes()) == ("a folder/é.txt", content)


def test_a_file_that_cannot_be_taken_says_why(admin_client: Client, collection: Collection, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "IMPORT_MAX_FILE_MB": 1}
    job = draft(collection, {"a.txt": "A."})

    taken, large, nameless, late = (
        send(admin_client, job, "a.txt", b"Again, and longer."),
        send(admin_client, job, "b.txt", bytes(2 << 20)),
        send(admin_client, job, "../..", b"x"),
        send(admin_client, finished(draft(collection, {"c.txt": "C."})), "d.txt", b"x"),
    )

    assert "already has a file a.txt" in taken.json()["error"]
    assert "more than 1 MB" in large.json()["error"]
    assert "needs a name" in nameless.json()["error"]
    assert "has started" in late.json()["error"]
    assert {answer.status_code for answer in (taken, large, nameless, late)} == {400}
    assert [file.name for file in job.files.all()] == ["a.txt"]


def test_an_upload_that_breaks_off_leaves_nothing(collection: Collection) -> None:
    job = draft(collection, {})

    with pytest.raises(import_requests.BrokenOff, match="4 of 8 bytes are missing"):
        import_requests.add_stream(job, "a.txt", io.BytesIO(b"half"), 8)

    assert not job.files.exists()
    assert list(uploads.folder_of(job).glob("*")) == []


def test_a_full_disk_is_said(admin_client: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads, "store", full)

    answer = send(admin_client, draft(collection, {}), "a.txt", b"A.")

    assert (answer.status_code, "No space left on device" in answer.json()["error"]) == (507, True)


def test_a_repeated_upload_whose_answer_was_lost_is_no_error(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "Same."})

    again = send(admin_client, job, "a.txt", b"Same.", "&again=1")
    another = send(admin_client, job, "a.txt", b"Other text.", "&again=1")

    assert (again.status_code, another.status_code) == (200, 400)


def test_a_file_is_left_out_before_the_start(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A.", "b.txt": "B."})

    admin_client.post(reverse("admin:search_importjob_remove_file", args=[job.pk, job.files.get(name="a.txt").pk]))

    assert [file.name for file in job.files.all()] == ["b.txt"]


def test_the_draft_shows_the_guess_and_the_rows_as_documents(
    admin_client: Client, collection: Collection, make_document: MakeDocument
) -> None:
    make_document(external_id="1", title="How?", body="So.", metadata={"office": "HR"})
    job = draft(collection, {"faq.csv": ROWS, "broken.pdf": b"MZ" + bytes(100)})

    page = admin_client.get(page_of(job))

    fields = {column: field.value() for column, field in page.context["form"].column_rows()}
    assert fields == {"id": "external_id", "question": "title", "answer": "body", "office": "metadata.office"}
    assert [(row.outcome, row.title, row.entries) for row in page.context["rows"]] == [
        ("Unchanged", "How?", (("office", "HR"),)), ("New", "Why?", (("office", "IT"),)),
    ]  # fmt: skip
    assert "ends in .pdf, but its content is" in page.content.decode()


def test_hostile_columns_and_rows_are_escaped(admin_client: Client, collection: Collection) -> None:
    rows = json.dumps({hostile.TEXT: hostile.TEXT, "id": "1", "title": hostile.TEXT, "body": hostile.TEXT})

    page = admin_client.get(page_of(draft(collection, {"rows.jsonl": rows}))).content.decode()

    assert page.count(hostile.ESCAPED) >= 5
    assert hostile.SCRIPT not in page


def chosen(page: Any, **values: str) -> dict[str, str]:
    """Return the settings' form as served, with some fields filled in; columns by their name."""
    form = page.context["form"]
    fields = {bound.name: bound.value() or "" for bound in form}
    named = {column: bound.name for column, bound in form.column_rows()}
    return {**fields, **{named.get(name, name): value for name, value in values.items()}}


def test_the_preview_follows_what_is_chosen(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"faq.csv": ROWS})
    values = chosen(admin_client.get(page_of(job)), question="", office="title", language="de", action="preview")

    piece = admin_client.post(page_of(job), values, headers={"hx-request": "true"})

    job.refresh_from_db()
    assert job.mapping == {"id": "external_id", "question": "", "answer": "body", "office": "title"}
    assert [row.title for row in piece.context["rows"]] == ["HR", "IT"]
    assert piece.context["rows"][0].facts == (("language", "de"),)
    assert "<html" not in piece.content.decode()


def test_a_mapping_that_cannot_be_is_said_and_not_started(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"faq.csv": ROWS})
    values = chosen(admin_client.get(page_of(job)), office="title")

    for action in ("preview", "try", "import"):
        page = admin_client.post(page_of(job), {**values, "action": action}).content.decode()
        assert "are both mapped to" in page, action

    job.refresh_from_db()
    assert (job.status, job.mapping) == ("draft", {})


@pytest.mark.parametrize(("action", "dry_run"), [("try", True), ("import", False)])
def test_the_buttons_start_the_import_with_what_is_chosen(
    admin_client: Client, collection: Collection, action: str, dry_run: bool
) -> None:
    job = draft(collection, {"faq.csv": ROWS})
    settings = {"state": "draft", "visibility": "groups", "groups": "Staff, Board", "duplicates": "skip"}
    values = chosen(admin_client.get(page_of(job)), **settings, action=action)

    answer = admin_client.post(page_of(job), values)

    job.refresh_from_db()
    assert (answer.status_code, job.status, job.dry_run) == (302, "queued", dry_run)
    assert job.defaults == {"state": "draft", "visibility": "groups", "groups": ["Staff", "Board"]}
    assert job.duplicates_policy == "skip"
    assert not Document.objects.exists()


def test_columns_beyond_those_that_fit_keep_what_their_names_suggest(
    admin_client: Client, collection: Collection
) -> None:
    names = ["id", *(f"c{number}" for number in range(300))]
    job = draft(collection, {"wide.csv": ",".join(names) + "\n" + ",".join("x" for _ in names) + "\n"})
    page = admin_client.get(page_of(job))

    admin_client.post(page_of(job), chosen(page, c0="title", action="import"))

    job.refresh_from_db()
    assert "101 further columns" in page.content.decode()
    assert (job.status, job.mapping["c0"]) == ("queued", "title")


def test_a_draft_whose_files_are_gone_says_so(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"faq.csv": ROWS})
    uploads.remove_all(job.pk)

    assert "It cannot be opened: No such file or directory." in admin_client.get(page_of(job)).content.decode()


def test_a_preview_that_cannot_be_made_is_no_server_error(
    admin_client: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_process(limits: object) -> None:
        raise ReadersUnavailable("No process can be started to read files.")

    monkeypatch.setattr(preview, "Sandbox", no_process)

    page = admin_client.get(page_of(draft(collection, {"faq.csv": ROWS})))

    assert (page.status_code, "No process can be started" in page.content.decode()) == (200, True)


def test_who_may_only_look_neither_uploads_nor_starts(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in("view_importjob")
    job = draft(collection, {"faq.csv": ROWS})

    assert client.get(page_of(job)).status_code == 200
    assert client.get(NEW).status_code == 403
    assert send(client, job, "b.txt", b"x").status_code == 403
    assert client.post(page_of(job), {"action": "import"}).status_code in (302, 403)
    job.refresh_from_db()
    assert (job.status, job.files.count()) == ("draft", 1)


def test_an_import_that_has_started_is_not_prepared_again(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"faq.csv": ROWS})
    values = chosen(admin_client.get(page_of(job)), action="import")
    jobs.start(job)

    page = admin_client.post(page_of(job), values, follow=True)

    assert "has been started already" in page.content.decode()


def test_the_encoding_that_is_chosen_is_the_one_that_is_read_in(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "Größe".encode("cp850")})

    page = admin_client.post(page_of(job), {"action": "preview", "encoding": "cp850"}).content.decode()
    admin_client.post(page_of(job), {"action": "import", "encoding": "cp850"})

    job.refresh_from_db()
    assert "Größe" in page
    assert "Western Europe (DOS 850)</span>" in page
    assert (job.encoding, job.status) == ("cp850", "queued")


def test_an_encoding_that_another_way_in_has_chosen_can_stay(admin_client: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A."}, encoding="shift_jisx0213")

    admin_client.post(page_of(job), {"action": "import", "encoding": job.encoding})

    job.refresh_from_db()
    assert (job.encoding, job.status) == ("shift_jisx0213", "queued")


def test_the_preview_says_how_much_it_has_looked_at(admin_client: Client, collection: Collection) -> None:
    files = {f"{number}.txt": f"Note {number}." for number in range(6)}
    archive = {"all.zip": zipped({name: text.encode() for name, text in files.items()})}

    several = admin_client.get(page_of(draft(collection, files))).content.decode()
    packed = admin_client.get(page_of(draft(collection, archive))).content.decode()

    assert "of the first 5 of 6 files" in several
    assert "and 1 more files that were not looked into" in several
    assert "archive; its first 5 files are looked into" in packed


def test_rows_stand_where_a_person_would_count_them(admin_client: Client, collection: Collection) -> None:
    csv, items = {"a.csv": "id,text\n1,One.\n"}, {"a.json": '[{"id": 1, "text": "One."}]'}

    assert "line 2" in admin_client.get(page_of(draft(collection, csv))).content.decode()
    assert "item 1" in admin_client.get(page_of(draft(collection, items))).content.decode()
