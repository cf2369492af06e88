"""What may take part in a search is exactly what the filters and the user's rights leave, and never behind."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import connection

from search.models import Chunk, Collection, Document, IndexVersion
from search.models.corpus import new_external_id
from search.retrieval.filtering import scope
from search.retrieval.filtering.filters import Filters
from search.retrieval.filtering.scope import scope_of
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt

NOBODY = AnonymousUser()


def allowed_documents(version: IndexVersion, user: Any, *filters: str) -> set[int]:
    """The documents whose chunks may take part, and a check that the ids ascend."""
    version.refresh_from_db()
    found = scope_of(version, user, Filters.of(parameters=filters))
    live = Chunk.objects.filter(version=version).live()
    if found.allowed is None:
        return set(live.values_list("document_id", flat=True))
    ids = found.allowed.tolist()
    assert ids == sorted(set(ids))
    return set(live.filter(pk__in=ids).values_list("document_id", flat=True))


def by_queryset(document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(metadata={"tags": ["a", "b"]})


def by_hand(document: Document) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_document SET language = 'de' WHERE id = %s", [document.pk])


def by_saving(**fields: Any) -> Callable[[Document], None]:
    def save(document: Document) -> None:
        for name, value in fields.items():
            setattr(document, name, value)
        document.save()

    return save


def by_adding(document: Document) -> None:
    document.pk = None
    document.external_id = new_external_id()
    document.save()


def by_deleting(document: Document) -> None:
    document.delete()


WRITERS: list[Callable[[Document], None]] = [
    by_queryset,
    by_saving(metadata={}),
    by_hand,
    by_deleting,
    by_saving(body="Quite another text."),
    by_adding,
    by_saving(state="archived"),
    by_saving(visibility="staff"),
]


def test_without_filters_everything_takes_part(live: IndexVersion) -> None:
    assert scope_of(live, NOBODY, Filters()).allowed is None


def test_a_filter_that_everything_passes_restricts_nothing(live: IndexVersion) -> None:
    assert scope_of(live, NOBODY, Filters.of(parameters=["collection:docs"])).allowed is None


def test_a_filter_that_nothing_passes_leaves_nothing(live: IndexVersion) -> None:
    found = scope_of(live, NOBODY, Filters.of(parameters=["tag:none"]))

    assert found.allowed is not None
    assert len(found.allowed) == 0


def test_changes_count_at_once_whether_applied_or_waiting(
    make_document: MakeDocument, indexed: Callable[[], int], live: IndexVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against what the database says, after each of many changes by every kind of writer."""
    monkeypatch.setattr(scope, "_CLOCKS_DIFFER", timedelta())
    choose = random.Random(7)
    for number in range(12):
        make_document(metadata={"tags": ["a"] if number % 3 else []}, language="en" if number % 2 else "de")
    indexed()
    asked = [("tag:a",), ("-tag:a",), ("language:en", "tag:*"), ("updated:>=2000", "language:de")]
    for step in range(40):
        document = Document.objects.order_by("?").first()
        assert document is not None
        WRITERS[step % len(WRITERS)](document)
        if choose.random() < 0.5:
            indexed()
        held = set(Chunk.objects.filter(version=live).live().values_list("document_id", flat=True))
        for filters in asked:
            right = Filters.of(parameters=filters).apply(Document.objects.visible_to(NOBODY))
            assert allowed_documents(live, NOBODY, *filters) == held & set(right.values_list("pk", flat=True)), filters


def test_a_document_that_is_saved_unchanged_is_updated(live: IndexVersion) -> None:
    document = Document.objects.get()
    Document.objects.filter(pk=document.pk).update(updated_at="2020-01-01T00:00:00Z")
    assert allowed_documents(live, NOBODY, "updated:>2020") == set()

    document.save()

    assert allowed_documents(live, NOBODY, "updated:>2020") == {document.pk}


def test_who_may_see_a_document_counts_at_once(
    make_document: MakeDocument, indexed: Callable[[], int], live: IndexVersion
) -> None:
    group = Group.objects.create(name="Sales")
    member, outsider = User.objects.create_user("member"), User.objects.create_user("outsider")
    member.groups.add(group)
    secret = make_document(visibility="groups", language="en")
    indexed()
    assert allowed_documents(live, member, "language:en") == set()

    secret.groups.add(group)
    assert allowed_documents(live, member, "language:en") == {secret.pk}
    assert allowed_documents(live, outsider, "language:en") == set()
    assert allowed_documents(live, NOBODY, "language:en") == set()

    outsider.groups.add(group)
    assert allowed_documents(live, outsider, "language:en") == {secret.pk}

    secret.groups.clear()
    assert allowed_documents(live, member, "language:en") == set()


def test_where_most_is_hidden_the_visible_ones_are_known_beforehand(
    live: IndexVersion, collection: Collection, indexed: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "_SMALL", 10)
    public = Document.objects.get()
    Document.objects.bulk_create(
        Document(collection=collection, external_id=str(n), body="Hidden words.", visibility="staff") for n in range(20)
    )
    indexed()

    assert allowed_documents(live, NOBODY) == {public.pk}
    assert scope_of(live, User.objects.create_user("chief", is_superuser=True), Filters()).allowed is None


def test_a_version_that_is_no_longer_fed_is_not_remembered(live: IndexVersion, indexed: Callable[[], int]) -> None:
    document = Document.objects.get()
    rebuilt(live.collection)
    assert allowed_documents(live, NOBODY, "tag:a") == set()

    Document.objects.filter(pk=document.pk).update(metadata={"tags": "a"})

    assert allowed_documents(live, NOBODY, "tag:a") == {document.pk}
