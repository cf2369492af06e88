"""A document that the query names comes first, however little its text says of it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from search import query_service
from search.models import Collection, Document

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def invoices(collection: Collection, indexed: Callable[[], int]) -> None:
    """Twenty letters that speak of one invoice, and the invoice itself, which does not."""
    letters = [
        Document(
            collection=collection, external_id=f"letter-{n}", title=f"Letter {n}", body="About invoice INV-2024-17."
        )
        for n in range(20)
    ]
    invoice = Document(collection=collection, external_id="INV-2024-17", title="Chairs", body="Twelve chairs of oak.")
    secret = Document(collection=collection, external_id="INV-9", title="Tables", body="Oak.", visibility="staff")
    Document.objects.bulk_create([*letters, invoice, secret])
    indexed()


def first(query: str, **wanted: object) -> tuple[str, str]:
    result = query_service.search(query, **wanted).results[0]  # type: ignore[arg-type]
    return result.external_id, str(result.strength)


@pytest.mark.parametrize("mode", query_service.MODES)
def test_the_document_with_that_id_comes_first_though_others_have_the_words(invoices: None, mode: str) -> None:
    assert first("INV-2024-17", mode=mode) == ("INV-2024-17", "strong")
    assert query_service.search("INV-2024-17", mode=mode).good_match


@pytest.mark.parametrize("typed", ["inv-2024-17", "INV 2024 17", "inv 2024 17", "Inv-2024-17"])
def test_an_id_is_known_in_its_usual_spellings(invoices: None, typed: str) -> None:
    assert first(typed) == ("INV-2024-17", "strong")


def test_a_whole_title_is_a_name_whatever_its_case_and_spaces(invoices: None) -> None:
    assert first("  chairs ") == ("INV-2024-17", "strong")
    assert first("letter  7")[0] == "letter-7"


def test_a_name_among_other_words_is_only_words(invoices: None) -> None:
    assert first("about invoice INV-2024-17")[0].startswith("letter-")


def test_what_nobody_may_see_or_is_filtered_or_excluded_is_not_brought_in(invoices: None) -> None:
    assert all(result.external_id != "INV-9" for result in query_service.search("INV-9").results)
    assert first("INV-9", user=User.objects.create_superuser("boss"))[0] == "INV-9"
    assert first("INV-2024-17", filters=["title:Letter*"])[0].startswith("letter-")
    assert all(each.external_id != "INV-2024-17" for each in query_service.search("INV-2024-17 -oak").results)


def test_no_document_comes_twice(invoices: None) -> None:
    found = [result.external_id for result in query_service.search("INV-2024-17", k=50).results]
    assert len(found) == len(set(found)) == 21
