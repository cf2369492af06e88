"""The database's triggers: every write path raises the revision and leaves a pending row, and only a change does."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, transaction

from search.indexing.lifecycle import create_version
from search.models import Collection, Document, IndexVersion, PendingChange, VersionEvent, triggers

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]


@pytest.fixture
def version(collection: Collection) -> IndexVersion:
    """The active version of `docs`, with nothing pending."""
    return create_version(collection)


def pending(document_id: int) -> list[tuple[int, int]]:
    """(version id, revision) of what is pending for a document."""
    rows = PendingChange.objects.filter(document=document_id).order_by("version_id")
    return list(rows.values_list("version_id", "revision"))


def revision(document_id: int) -> int:
    return Document.objects.values_list("revision", flat=True).get(pk=document_id)


def sql(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_created_document_is_pending(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    assert pending(document.pk) == [(version.pk, 1)]


def test_a_saved_change_raises_the_revision_and_replaces_the_pending_row(
    version: IndexVersion, make_document: MakeDocument
) -> None:
    document = make_document()
    first = PendingChange.objects.get(document=document.pk).pk
    document.title = "Another title"
    document.save()
    assert revision(document.pk) == 2
    assert pending(document.pk) == [(version.pk, 2)]
    assert PendingChange.objects.get(document=document.pk).pk != first


def test_saving_without_a_change_leaves_no_work(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    PendingChange.objects.all().delete()
    document.save()
    assert revision(document.pk) == 1
    assert pending(document.pk) == []


def test_a_stale_instance_cannot_set_the_revision_back(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    Document.objects.filter(pk=document.pk).update(title="changed elsewhere")
    Document.objects.filter(pk=document.pk).update(title="and again")
    document.save()
    assert revision(document.pk) == 4
    Document.objects.filter(pk=document.pk).update(revision=1)
    assert revision(document.pk) == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "t"),
        ("body", "b"),
        ("url", "https://example.org"),
        ("language", "de"),
        ("metadata", {"a": 1}),
        ("state", "draft"),
        ("visibility", "staff"),
        ("external_id", "x"),
    ],
)
def test_update_is_seen_for_every_field(
    version: IndexVersion, make_document: MakeDocument, field: str, value: object
) -> None:
    document = make_document()
    Document.objects.filter(pk=document.pk).update(**{field: value})
    assert pending(document.pk) == [(version.pk, 2)]


def test_bulk_create_is_seen_also_when_conflicts_are_ignored(version: IndexVersion, collection: Collection) -> None:
    rows = [Document(collection=collection, external_id=f"x{number}") for number in range(3)]
    Document.objects.bulk_create(rows, ignore_conflicts=True)
    assert PendingChange.objects.filter(version=version).count() == 3


def test_insert_or_ignore_does_not_make_the_trigger_ignore(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document(external_id="a")
    statement = {
        "sqlite": "UPDATE OR IGNORE search_document SET title = 'new' WHERE id = %s",
        "postgresql": "UPDATE search_document SET title = 'new' WHERE id = %s",
    }[connection.vendor]
    sql(statement, document.pk)
    assert pending(document.pk) == [(version.pk, 2)]


def test_plain_sql_is_seen(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    sql("UPDATE search_document SET body = 'new' WHERE id = %s", document.pk)
    assert pending(document.pk) == [(version.pk, 2)]
    sql("DELETE FROM search_document WHERE id = %s", document.pk)
    assert pending(document.pk) == [(version.pk, 3)]


def test_plain_sql_can_delete_a_document_with_groups_and_chunks(
    version: IndexVersion, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document()
    document.groups.add(Group.objects.create(name="readers"))
    indexed()
    sql("DELETE FROM search_document WHERE id = %s", document.pk)
    assert pending(document.pk) == [(version.pk, 2)]
    assert indexed() == 1


def test_a_move_is_pending_in_both_collections(version: IndexVersion, make_document: MakeDocument) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    elsewhere = create_version(other)
    document = make_document()
    Document.objects.filter(pk=document.pk).update(collection=other)
    assert pending(document.pk) == [(version.pk, 2), (elsewhere.pk, 2)]


def test_candidates_are_fed_and_retired_versions_are_not(
    version: IndexVersion, collection: Collection, make_document: MakeDocument
) -> None:
    IndexVersion.objects.filter(pk=version.pk).update(state=IndexVersion.State.RETIRED)
    active = create_version(collection)
    candidate = create_version(collection)
    document = make_document()
    assert pending(document.pk) == [(active.pk, 1), (candidate.pk, 1)]


def test_a_rolled_back_change_leaves_nothing(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    PendingChange.objects.all().delete()
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(title="never")
        transaction.set_rollback(True)
    assert pending(document.pk) == []
    assert revision(document.pk) == 1


def test_a_change_takes_a_document_out_of_quarantine(version: IndexVersion, make_document: MakeDocument) -> None:
    document = make_document()
    PendingChange.objects.update(quarantined=True, attempts=3, last_error="no")
    Document.objects.filter(pk=document.pk).update(title="mended")
    row = PendingChange.objects.get(document=document.pk)
    assert (row.quarantined, row.attempts, row.last_error) == (False, 0, "")


def test_deleting_a_collection_leaves_no_rows_behind(
    version: IndexVersion, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    make_document()
    collection.delete()
    assert not PendingChange.objects.exists()
    assert not IndexVersion.objects.exists()


@pytest.mark.parametrize("order", [("document", "indexversion"), ("indexversion", "document")])
def test_versions_and_documents_can_be_deleted_by_sql_in_any_order(
    version: IndexVersion, make_document: MakeDocument, order: tuple[str, str]
) -> None:
    make_document()
    with transaction.atomic():
        PendingChange.objects.all().delete()
        VersionEvent.objects.all().delete()
        for table in order:
            sql(f"DELETE FROM search_{table}")
    assert not PendingChange.objects.exists()


def test_the_triggers_can_be_removed_and_installed_again() -> None:
    assert triggers.installed(connection)
    triggers.uninstall(connection)
    assert not triggers.installed(connection)
    triggers.install(connection)
    triggers.install(connection)
    assert triggers.installed(connection)


@pytest.mark.django_db(transaction=True)
def test_migrate_mends_missing_triggers_though_the_check_finds_them() -> None:
    triggers.uninstall(connection)
    found = run_checks(tags=["database"], databases=["default"])
    assert [message.id for message in found] == ["search.W003"]

    call_command("migrate", verbosity=0, skip_checks=False)

    assert triggers.installed(connection)
    assert run_checks(tags=["database"], databases=["default"]) == []
