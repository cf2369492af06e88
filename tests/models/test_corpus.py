"""Documents: who may find them, what their text may contain, and what wakes the worker."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from search.models import Collection, Document, corpus_changed

MakeDocument = Callable[..., Document]

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_of_each(make_document: MakeDocument) -> dict[str, Document]:
    """A document of every kind that differs in who may find it."""
    readers = Group.objects.create(name="readers")
    documents = {
        "public": make_document(),
        "staff": make_document(visibility="staff"),
        "groups": make_document(visibility="groups"),
        "draft": make_document(state="draft"),
        "archived": make_document(state="archived"),
    }
    documents["groups"].groups.add(readers)
    return documents


def found_by(user: object, documents: dict[str, Document]) -> set[str]:
    visible = set(Document.objects.visible_to(user).values_list("pk", flat=True))  # type: ignore[arg-type]
    return {name for name, document in documents.items() if document.pk in visible}


def test_visitors_find_what_is_public(one_of_each: dict[str, Document]) -> None:
    assert found_by(None, one_of_each) == {"public"}
    assert found_by(AnonymousUser(), one_of_each) == {"public"}
    assert found_by(User.objects.create(username="nobody"), one_of_each) == {"public"}


def test_staff_finds_what_is_for_staff(one_of_each: dict[str, Document]) -> None:
    assert found_by(User.objects.create(username="staff", is_staff=True), one_of_each) == {"public", "staff"}


def test_members_find_what_is_for_their_group(one_of_each: dict[str, Document]) -> None:
    member = User.objects.create(username="member")
    member.groups.add(Group.objects.get(name="readers"))
    outsider = User.objects.create(username="outsider")
    outsider.groups.add(Group.objects.create(name="others"))
    assert found_by(member, one_of_each) == {"public", "groups"}
    assert found_by(outsider, one_of_each) == {"public"}


def test_superusers_find_all_that_is_published(one_of_each: dict[str, Document]) -> None:
    root = User.objects.create(username="root", is_superuser=True)
    assert found_by(root, one_of_each) == {"public", "staff", "groups"}


def test_text_that_no_database_stores_is_mended(make_document: MakeDocument) -> None:
    document = make_document(title="a\x00b", body="c\ud800d", metadata={"k\x00": ["v\udfff"]})
    document.refresh_from_db()
    assert document.title == "a b"
    assert document.body == "c\ufffdd"
    assert document.metadata == {"k ": ["v\ufffd"]}


def test_an_external_id_is_unique_in_its_collection_only(make_document: MakeDocument) -> None:
    make_document(external_id="a")
    make_document(external_id="a", collection=Collection.objects.create(slug="other", name="Other"))
    with pytest.raises(IntegrityError), transaction.atomic():
        make_document(external_id="a")


@pytest.mark.parametrize("fields", [{"state": "gone"}, {"visibility": "nobody"}, {"external_id": ""}])
def test_the_database_refuses_unknown_values(make_document: MakeDocument, fields: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_document(**fields)


def test_metadata_must_be_an_object(collection: Collection) -> None:
    with pytest.raises(ValidationError, match="JSON object"):
        Document(collection=collection, title="t", metadata=[1]).full_clean()


def test_bulk_writes_announce_their_collections(collection: Collection) -> None:
    seen: list[set[int]] = []

    def listen(collection_ids: set[int], **kwargs: object) -> None:
        seen.append(collection_ids)

    corpus_changed.connect(listen)
    try:
        rows = Document.objects.bulk_create([Document(collection=collection, external_id="a")])
        Document.objects.filter(pk=rows[0].pk).update(title="t")
        rows[0].title = "u"
        Document.objects.bulk_update(rows, ["title"])
        Document.objects.filter(pk=rows[0].pk).delete()
    finally:
        corpus_changed.disconnect(listen)
    assert seen == [{collection.pk}] * len(seen)
    assert len(seen) >= 4
