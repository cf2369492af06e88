"""The list's filters say the same as the labels in its rows."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from search.indexing.status import Stage, document_statuses
from search.models import Collection, Document, IndexedDocument, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_document_changelist")


@pytest.fixture
def every_kind(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    """One document or more in each indexing state, in two collections."""
    make_document(title="indexed")
    make_document(title="draft", state=Document.State.DRAFT)
    lost = make_document(title="lost")
    edited = make_document(title="edited")
    indexed()
    IndexedDocument.objects.filter(document=lost.pk).delete()
    Document.objects.filter(pk=edited.pk).update(body="New.")
    make_document(title="new")
    failed = make_document(title="failed")
    PendingChange.objects.filter(document=failed.pk).update(quarantined=True, last_error="Too long.")
    retrying = make_document(title="retrying")
    PendingChange.objects.filter(document=retrying.pk).update(attempts=1, last_error="Busy.")
    archived = make_document(title="failed to leave", state=Document.State.ARCHIVED)
    PendingChange.objects.filter(document=archived.pk).update(quarantined=True, last_error="Busy.")
    Document.objects.create(collection=Collection.objects.create(slug="new", name="New"), title="waiting")


@pytest.mark.usefixtures("every_kind")
@pytest.mark.parametrize(
    ("value", "stages"),
    [
        ("indexed", {Stage.INDEXED}),
        ("queued", {Stage.QUEUED, Stage.RETRYING, Stage.WAITING}),
        ("failed+lost", {Stage.FAILED}),
    ],
)
def test_the_indexing_filter_finds_what_the_label_says(admin_client: Client, value: str, stages: set[Stage]) -> None:
    documents = list(Document.objects.all())
    statuses = document_statuses(documents)
    expected = {document.title for document in documents if statuses[document.pk].stage in stages}

    shown = [
        document.title
        for each in value.split("+")
        for document in admin_client.get(LIST, {"indexing": each}).context["cl"].result_list
    ]

    assert expected
    assert sorted(shown) == sorted(expected)


@pytest.mark.usefixtures("every_kind")
@pytest.mark.parametrize("value", ["failed", "lost"])
def test_what_needs_somebody_is_told_from_what_was_never_queued(admin_client: Client, value: str) -> None:
    shown = admin_client.get(LIST, {"indexing": value}).context["cl"].result_list

    assert ("lost" in {document.title for document in shown}) is (value == "lost")


@pytest.mark.usefixtures("every_kind")
def test_each_published_document_is_found_by_exactly_one_indexing_filter(admin_client: Client) -> None:
    found: list[int] = []
    for value in ("indexed", "queued", "failed", "lost"):
        shown = admin_client.get(LIST, {"indexing": value, "state__exact": "published"}).context["cl"].queryset
        found += [document.pk for document in shown]

    assert sorted(found) == sorted(Document.objects.published().values_list("pk", flat=True))


@pytest.mark.usefixtures("every_kind")
def test_an_unknown_indexing_state_filters_nothing(admin_client: Client) -> None:
    assert admin_client.get(LIST, {"indexing": "'; --"}).context["cl"].result_count == Document.objects.count()


def test_the_language_filter_offers_the_languages_that_occur(admin_client: Client, make_document: MakeDocument) -> None:
    for language in ("de", "en", "en", ""):
        make_document(language=language)

    answer = admin_client.get(LIST, {"language": "en"})

    assert answer.context["cl"].result_count == 2
    [spec] = [spec for spec in answer.context["cl"].filter_specs if spec.title == "language"]
    assert spec.lookup_choices == [("de", "de"), ("en", "en")]


@pytest.mark.parametrize(("field", "value"), [("state__exact", "draft"), ("visibility__exact", "staff")])
def test_documents_are_filtered_by_state_and_visibility(
    admin_client: Client, make_document: MakeDocument, field: str, value: str
) -> None:
    make_document()
    wanted = make_document(**{field.removesuffix("__exact"): value})

    assert list(admin_client.get(LIST, {field: value}).context["cl"].queryset) == [wanted]


def test_documents_are_filtered_by_collection(admin_client: Client, make_document: MakeDocument) -> None:
    make_document()
    other = Collection.objects.create(slug="other", name="Other")
    elsewhere = Document.objects.create(collection=other, title="Elsewhere")

    shown = admin_client.get(LIST, {"collection__id__exact": other.pk}).context["cl"].queryset

    assert list(shown) == [elsewhere]


def test_an_empty_list_says_whether_it_is_the_filters_that_leave_nothing(admin_client: Client) -> None:
    synonyms = reverse("admin:search_synonymset_changelist")

    assert "Nothing here yet" in admin_client.get(synonyms).content.decode()
    assert "Nothing matches" in admin_client.get(synonyms, {"q": "anything"}).content.decode()
    assert "Nothing matches" in admin_client.get(synonyms, {"enabled__exact": "1"}).content.decode()
