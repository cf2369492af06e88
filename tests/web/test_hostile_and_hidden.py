"""What the search page never lets through: markup from documents and queries, hidden documents, server errors."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from search.datatypes import Snippet
from search.models import Collection, Document, IndexVersion, PendingChange

from .conftest import MakeResult, ShowResponse

Make = Callable[..., Document]
Drain = Callable[[], int]
pytestmark = pytest.mark.django_db


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "field",
    [{"title": HOSTILE}, {"snippet": Snippet(HOSTILE)}, {"url": HOSTILE}, {"metadata": {HOSTILE: HOSTILE}}],
)
def test_what_documents_contain_is_always_escaped(
    show: ShowResponse, make_result: MakeResult, field: dict[str, object]
) -> None:
    page = show(make_result(**field))

    assert "<script>alert" not in page.text
    assert "alert(1)" in page.text


def test_the_query_is_always_escaped(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document()
    indexed()

    assert HOSTILE not in client.get("/", {"q": HOSTILE}).text
    assert HOSTILE not in client.get("/", {"q": "words", "collection": HOSTILE}).text
    assert HOSTILE not in client.get("/", {"q": "words", "mode": HOSTILE}).text


def test_highlights_are_marked_between_escaped_pieces(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(make_result(snippet=Snippet("a <b> & c", ((2, 5),))))

    assert "a <mark>&lt;b&gt;</mark> &amp; c" in page.text


def test_a_script_address_is_shown_but_never_linked(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(make_result(url="javascript:alert(1)"))

    assert "javascript:alert(1)" in page.text
    assert 'href="javascript:' not in page.text


def test_a_document_for_staff_reaches_staff_only(
    client: Client, make_document: Make, indexed: Drain, staff: User, outsider: User
) -> None:
    make_document(title="Salaries", body="Everybody's salary", visibility="staff")
    indexed()

    def found() -> bool:
        return "Salaries" in client.get("/", {"q": "salary"}).text

    assert not found()
    client.force_login(outsider)
    assert not found()
    client.force_login(staff)
    assert found()


def test_an_unpublished_document_is_gone_at_once_although_the_index_still_holds_it(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    document = make_document(title="Withdrawn", body="Old news")
    indexed()
    assert "Withdrawn" in client.get("/", {"q": "news"}).text

    Document.objects.filter(pk=document.pk).update(state="draft")

    assert "Withdrawn" not in client.get("/", {"q": "news"}).text


def test_failed_documents_are_counted_for_staff_only(
    client: Client, make_document: Make, indexed: Drain, staff: User
) -> None:
    document = make_document()
    indexed()
    version = IndexVersion.objects.get()
    PendingChange.objects.create(version=version, document=document, revision=1, quarantined=True)

    assert "could not be indexed" not in client.get("/").text
    client.force_login(staff)
    assert "1 document could not be indexed." in client.get("/").text


@pytest.mark.parametrize("k", ["0", "-5", "1000000000", "many", "9" * 5_000])
def test_a_silly_number_of_results_is_still_answered(
    client: Client, make_document: Make, indexed: Drain, k: str
) -> None:
    make_document(body="bread")
    indexed()

    assert client.get("/", {"q": "bread", "k": k}).status_code == 200


@pytest.mark.parametrize("query", ["\x00", "a\x00b", "\ud800", "%", "' OR 1=1 --", '"', "   ", "\u202e", "🍞" * 100])
def test_strange_characters_are_answered(client: Client, make_document: Make, indexed: Drain, query: str) -> None:
    make_document()
    indexed()

    assert client.get("/", {"q": query.encode("utf-8", "surrogatepass")}).status_code == 200


@pytest.mark.parametrize("parameter", ["collection", "mode"])
def test_nul_in_a_parameter_is_no_server_error(client: Client, collection: Collection, parameter: str) -> None:
    assert client.get("/", {"q": "words", parameter: "a\x00b"}).status_code in (400, 404, 503)
