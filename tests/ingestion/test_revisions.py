"""What documents were before: kept by whatever way they are changed, signed, led back to, and forgotten in time."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from search import tasks
from search.authorship import Author, written_by
from search.ingestion import bulk_changes, revisions
from search.ingestion.bulk_changes import Action, Wanted
from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, write_documents
from search.ingestion.state_tags import state_tag
from search.models import Collection, Document, DocumentRevision
from search.models.triggers import KEPT
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

How = DocumentRevision.How


def by_save(document: Document) -> None:
    document.title = "New"
    document.save()


def by_some_fields(document: Document) -> None:
    document.title = "New"
    document.save(update_fields=["title"])


def by_update(document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(title="New")


def by_bulk_update(document: Document) -> None:
    document.title = "New"
    Document.objects.bulk_update([document], ["title"])


def by_writes(document: Document) -> None:
    write = DocumentWrite(document.external_id, {"title": "New"})
    write_documents(document.collection, [write], Rights(create=False, replace=True))


def by_sql(document: Document) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_document SET title = 'New' WHERE id = %s", [document.pk])


@pytest.mark.parametrize("change", [by_save, by_some_fields, by_update, by_bulk_update, by_writes, by_sql])
def test_every_way_of_writing_keeps_what_was(make_document: MakeDocument, change: Callable[[Document], None]) -> None:
    document = make_document(title="Old", body="The same.")
    author = User.objects.create_user("anna")

    with written_by(lambda: Author(How.ADMIN, author.pk, "a note")):
        change(document)

    row = DocumentRevision.objects.get()
    assert (row.document_id, row.revision, row.replaced) == (document.pk, 1, {"title": "Old"})
    signature = (row.how, row.by, row.detail)
    assert signature == (("", None, "") if change is by_sql else ("admin", author, "a note"))
    assert abs(timezone.now() - row.at) < timedelta(minutes=1)


def test_nothing_is_kept_of_what_changes_nothing(make_document: MakeDocument) -> None:
    document = make_document()
    document.save()
    Document.objects.update(title=document.title)

    assert not DocumentRevision.objects.exists()


def test_only_the_changes_of_a_block_are_signed(make_document: MakeDocument) -> None:
    first, second = make_document(), make_document()
    by_sql(first)
    by_update(second)

    assert [row.how for row in DocumentRevision.objects.order_by("id")] == ["", "program"]


def test_a_deleted_document_leaves_nothing(make_document: MakeDocument) -> None:
    kept, gone, plain = make_document(), make_document(), make_document()
    for document in (kept, gone, plain):
        by_save(document)
    gone.delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_document WHERE id = %s", [plain.pk])

    assert list(DocumentRevision.objects.values_list("document", flat=True)) == [kept.pk]


def test_an_import_and_a_bulk_change_sign_for_who_asked(make_document: MakeDocument, collection: Collection) -> None:
    document, anna = make_document(), User.objects.create_user("anna")

    change = tasks.start_bulk_change(Document.objects.all(), Wanted(Action.ARCHIVE), by=anna)

    row = DocumentRevision.objects.get(document=document.pk)
    assert (row.how, row.by, row.detail, row.replaced) == ("bulk", anna, str(change.pk), {"state": "published"})
    assert bulk_changes.unfinished() == []


def test_each_state_can_be_had_again(make_document: MakeDocument) -> None:
    rng = random.Random(7)
    document = make_document(title="0", body="0", metadata={})
    states: list[dict[str, Any]] = []
    values: dict[str, Callable[[], Any]] = {
        "title": lambda: rng.choice(["", "a", "b"]),
        "body": lambda: "text " * rng.randrange(3),
        "metadata": lambda: rng.choice([{}, {"a": 1}, {"a": True}, {"a": None}]),
        "state": lambda: rng.choice(["draft", "published", "archived"]),
        "language": lambda: rng.choice(["", "de", "en"]),
    }
    for _ in range(40):
        document.refresh_from_db()
        states.append({"revision": document.revision, **{name: getattr(document, name) for name in KEPT}})
        for name in rng.sample(list(values), 2):
            setattr(document, name, values[name]())
        document.save()
    document.refresh_from_db()

    for state in states:
        if state["revision"] != document.revision:
            expected = {name: state[name] for name in KEPT}
            assert revisions.content_at(document, state["revision"]) == expected


def test_restoring_is_a_change_like_others(make_document: MakeDocument) -> None:
    document = make_document(title="Old", body="Once.", anchors=[[0, "page 1"]])
    document.title, document.body = "New", "Twice."
    document.save()
    document.refresh_from_db()

    result = revisions.restore(document, 1)

    document.refresh_from_db()
    assert result.outcome is Outcome.UPDATED
    assert (document.title, document.body, document.revision) == ("Old", "Once.", 3)
    assert revisions.content_at(document, 2)["title"] == "New"
    revisions.restore(document, 2)
    document.refresh_from_db()
    assert document.title == "New"


def test_what_cannot_be_restored(make_document: MakeDocument) -> None:
    document = make_document(title="Old")
    tag = state_tag(document)
    by_save(document)
    document.refresh_from_db()

    assert revisions.restore(document, 1, (tag,)).outcome is Outcome.CHANGED_SINCE
    for revision in (0, 2, 99):
        with pytest.raises(revisions.NoRevision):
            revisions.restore(document, revision)


def test_old_ones_and_too_many_are_forgotten(make_document: MakeDocument, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DOCUMENT_REVISIONS": 3, "DOCUMENT_REVISIONS_DAYS": 30}
    often, once, old = make_document(), make_document(), make_document()
    for number in range(8):
        often.title = f"Title {number}"
        often.save()
    by_save(once)
    by_save(old)
    DocumentRevision.objects.filter(document=old.pk).update(at=timezone.now() - timedelta(days=31))

    tasks.sweep()

    left = DocumentRevision.objects.order_by("revision").values_list("document", "revision")
    assert set(left) == {(often.pk, 6), (often.pk, 7), (often.pk, 8), (once.pk, 1)}
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DOCUMENT_REVISIONS": 0}
    assert revisions.forget_old() == 4


def test_a_batch_is_signed_in_as_many_queries_as_one(
    make_document: MakeDocument, collection: Collection, django_assert_max_num_queries: Any
) -> None:
    documents = [make_document() for _ in range(50)]
    writes = [DocumentWrite(document.external_id, {"title": "New"}) for document in documents]

    with django_assert_max_num_queries(25):
        write_documents(collection, writes, Rights(create=False, replace=True))

    assert DocumentRevision.objects.filter(how="program").count() == 50
