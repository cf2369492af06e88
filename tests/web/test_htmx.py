"""What htmx gets: the part below the search field, an address for the history, and never a page inside a page."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from search.models import Collection, Document

Make = Callable[..., Document]
Drain = Callable[[], int]
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/"}
pytestmark = pytest.mark.django_db


def test_htmx_gets_the_answer_without_the_page_around_it(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document(title="Bread")
    indexed()

    part = client.get("/", {"q": "bread"}, headers=HTMX)

    assert 'id="r1"' in part.text
    assert "<title>bread – Semsearch</title>" in part.text
    assert "<html" not in part.text
    assert "<form" not in part.text


def test_htmx_gets_more_results_to_add_to_those_that_are_shown(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    for _ in range(25):
        make_document(body="bread")
    indexed()
    first = client.get("/", {"q": "bread"}, headers=HTMX)
    found = re.search(r'hx-get="([^"]*cursor=[^"]*)"', first.text)
    assert found

    part = client.get(unescape(found[1]), headers=HTMX)

    assert part.text.lstrip().startswith('<li id="r21"')
    assert '<div id="more" class="more" data-state="more" hx-swap-oob="true">' in part.text
    assert not {"HX-Push-Url", "HX-Retarget"} & set(part.headers)
    assert part.headers["HX-Replace-Url"] == "/?q=bread&k=25"
    again = client.get(part.headers["HX-Replace-Url"]).text
    assert again.count('<li id="r') == 25


def test_a_cursor_that_is_no_longer_good_is_said_below_the_results(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(body="bread")
    indexed()

    part = client.get("/", {"q": "bread", "cursor": "old"}, headers=HTMX)

    assert (part.status_code, part.headers["HX-Retarget"], part.headers["HX-Reswap"]) == (400, "#more", "innerHTML")
    assert "belongs to another search" in part.text


def test_going_back_in_the_history_gets_the_whole_page(client: Client, collection: Collection) -> None:
    page = client.get("/", headers={**HTMX, "HX-History-Restore-Request": "true"})

    assert "<html" in page.text


def test_pages_and_parts_are_kept_apart_by_caches_and_not_shared(client: Client, collection: Collection) -> None:
    page = client.get("/")

    assert {"Cookie", "HX-Request"} <= set(page.headers["Vary"].split(", "))
    assert "private" in page.headers["Cache-Control"]


def test_a_new_search_is_a_new_step_in_the_history(client: Client, collection: Collection) -> None:
    part = client.get("/", {"q": "bread", "mode": "hybrid"}, headers=HTMX)

    assert part.headers["HX-Push-Url"] == "/?q=bread"


@pytest.mark.parametrize("typed", ["bread and", "bre"])
def test_typing_on_or_taking_back_replaces_the_step(client: Client, collection: Collection, typed: str) -> None:
    part = client.get("/", {"q": typed}, headers={**HTMX, "HX-Current-URL": "http://testserver/?q=bread"})

    assert part.headers["HX-Replace-Url"] == f"/?q={typed.replace(' ', '+')}"


@pytest.mark.parametrize(
    "change", [{"q": "butter"}, {"q": "bread", "mode": "lexical"}, {"q": "bread", "collection": "docs"}]
)
def test_other_words_another_mode_or_collection_are_new_steps(
    client: Client, collection: Collection, change: dict[str, str]
) -> None:
    part = client.get("/", change, headers={**HTMX, "HX-Current-URL": "http://testserver/?q=bread"})

    assert "HX-Push-Url" in part.headers


def test_an_address_that_is_none_is_no_server_error(client: Client, collection: Collection) -> None:
    part = client.get("/", {"q": "bread"}, headers={**HTMX, "HX-Current-URL": "http://["})

    assert part.headers["HX-Push-Url"] == "/?q=bread"


def test_progress_asks_again_by_itself_until_all_is_indexed(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document()
    waiting = client.get("/progress/", {"collection": "docs"}, headers=HTMX)
    indexed()
    done = client.get("/progress/", {"collection": "docs"}, headers=HTMX)

    assert 'hx-trigger="every 2s"' in waiting.text
    assert "1 document can be searched." in done.text
    assert "hx-trigger" not in done.text


def test_progress_counts_only_documents_that_the_visitor_may_see(client: Client, make_document: Make) -> None:
    make_document()
    make_document(visibility="staff")

    assert (
        "<strong>1</strong> document saved and not searchable yet"
        in client.get("/progress/", {"collection": "docs"}, headers=HTMX).text
    )


def test_progress_of_an_unknown_collection_is_a_404(client: Client, collection: Collection) -> None:
    assert client.get("/progress/", {"collection": "nope"}).status_code == 404


def test_htmx_gets_the_tabs_for_what_is_asked_now(client: Client, collection: Collection) -> None:
    Collection.objects.create(slug="other", name="Other")

    part = client.get("/?q=before&q=bread&collection=other", headers=HTMX)

    assert '<nav id="tabs" class="tabs" aria-label="Collections" hx-swap-oob="true">' in part.text
    assert 'href="/?q=bread&amp;collection=docs"' in part.text
    assert part.headers["HX-Push-Url"] == "/?q=bread&collection=other"
