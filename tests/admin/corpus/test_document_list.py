"""The list's pages are the right ones however its rows are looked up, and none of it reads the texts."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from search.admin.corpus import document_list
from search.admin.corpus.documents import DocumentAdmin
from search.models import Collection, Document, list_indexes
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_document_changelist")


@pytest.fixture
def five(make_document: MakeDocument) -> list[str]:
    """Titles in their order; saved in another."""
    for title in ("delta wing", "beta wing", "alpha", "gamma wing", "epsilon wing"):
        make_document(title=title, language="de" if title < "d" else "en")
    return ["alpha", "beta wing", "delta wing", "epsilon wing", "gamma wing"]


def _titles(client: Client, **parameters: str | int) -> list[str]:
    return [document.title for document in client.get(LIST, parameters).context["cl"].result_list]


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("per_page", [2, 50])
def test_pages_follow_each_other_in_the_order_that_was_chosen(
    admin_client: Client, five: list[str], monkeypatch: pytest.MonkeyPatch, few: int, per_page: int
) -> None:
    monkeypatch.setattr(document_list, "_FEW", few)
    monkeypatch.setattr(DocumentAdmin, "list_per_page", per_page)
    pages = range(1, 2 if per_page == 50 else 4)

    assert [title for page in pages for title in _titles(admin_client, o=1, p=page)] == five
    assert [title for page in pages for title in _titles(admin_client, o="-1", p=page)] == five[::-1]


@pytest.mark.parametrize("few", [0, 10_000])
def test_filters_and_words_hold_together(
    admin_client: Client, five: list[str], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(document_list, "_FEW", few)

    assert _titles(admin_client, q="wing", language="de") == ["beta wing"]
    assert _titles(admin_client, q="wing delta") == ["delta wing"]
    assert _titles(admin_client, q="nowhere") == []


@pytest.mark.usefixtures("five")
def test_show_all_shows_them_all(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DocumentAdmin, "list_per_page", 2)

    assert len(_titles(admin_client, all="")) == 5


def test_a_page_costs_as_many_queries_for_fifty_documents_as_for_two(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            admin_client.get(LIST)
        return len(asked)

    make_document(title="first")
    make_document(title="second")
    indexed()
    queries()
    of_two = queries()
    for number in range(48):
        make_document(title=f"more {number}")

    assert queries() == of_two


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps long texts out of the rows it scans")
@pytest.mark.parametrize(
    "parameters", [{"q": "wing"}, {"visibility__exact": "staff"}, {"o": "1"}, {"q": "x", "o": "4"}]
)
def test_sqlite_looks_for_matches_without_reading_texts(
    admin_client: Client, five: list[str], monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    monkeypatch.setattr(document_list, "_FEW", 0)
    monkeypatch.setattr(DocumentAdmin, "list_per_page", 1)
    listed = admin_client.get(LIST, parameters).context["cl"].queryset

    plans = [listed.order_by().values("pk").explain(), listed.values("pk")[:50].explain()]

    assert all("USING COVERING INDEX" in plan for plan in plans), plans


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the index is SQLite's only")
def test_migrate_brings_the_index_back(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {list_indexes.LISTED}")

    call_command("migrate", verbosity=0)

    with connection.cursor() as cursor:
        assert list_indexes.LISTED in connection.introspection.get_constraints(cursor, Document._meta.db_table)


def test_the_languages_are_those_of_all_documents(admin_client: Client, make_document: MakeDocument) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    for language in ("pt-BR", "", "de", "de"):
        make_document(language=language)
    make_document(collection=other, language="en")

    specs = admin_client.get(LIST).context["cl"].filter_specs
    [offered] = [spec.lookup_choices for spec in specs if spec.title == "language"]

    assert [value for value, _ in offered] == ["de", "en", "pt-BR"]
