"""The search page in each of its states, as a browser without JavaScript gets it."""

import errno
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from search.indexing import applier, stoppages
from search.models import Collection, Document, IndexVersion
from search.web.asking import Asked

from .conftest import MakeResult, ShowResponse

Make = Callable[..., Document]
Drain = Callable[[], int]
pytestmark = pytest.mark.django_db


def test_before_anything_is_asked_it_names_the_collection_and_counts_its_documents(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document()
    make_document()
    indexed()

    page = client.get("/")

    assert page.status_code == 200
    assert "Server-Timing" not in page.headers
    assert "total;dur=" in client.get("/", {"q": "words"}).headers["Server-Timing"]
    assert "<h1>Docs</h1>" in page.text
    assert "2 documents to search" in page.text


def test_it_counts_only_documents_that_the_visitor_may_see(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document()
    make_document(visibility="staff")
    make_document(state="draft")
    indexed()

    assert "1 document to search" in client.get("/").text


def test_it_offers_examples_from_the_collection_that_lead_to_a_search(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(title="How to bake good bread")
    indexed()

    assert '<a href="/?q=How+to+bake+good+bread" dir="auto">How to bake good bread</a>' in client.get("/").text


def test_without_a_usable_title_it_says_how_to_ask(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document(title="x.y()", body="z")
    indexed()

    assert "How to ask" in client.get("/").text


def test_a_search_shows_the_document_with_its_title_source_and_marked_words(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    document = make_document(
        title="Sourdough",
        body="Knead the dough and let it rest.",
        url="https://example.org/bread",
        metadata={"kind": "recipe"},
    )
    indexed()

    page = client.get("/", {"q": "knead dough"})

    assert page.status_code == 200
    assert f'href="/documents/{document.pk}/?q=knead+dough&amp;chunk=' in page.text
    assert ">Sourdough</a>" in page.text
    assert "<mark>Knead</mark>" in page.text
    assert '<a href="https://example.org/bread"' in page.text
    assert '<span class="name">kind</span> recipe' in page.text


def test_the_form_is_a_plain_get_form_that_keeps_what_was_asked(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document()
    indexed()

    page = client.get("/", {"q": 'two "words"', "mode": "lexical"})

    assert 'action="/" method="get"' in page.text
    assert 'name="q" type="search" value="two &quot;words&quot;"' in page.text
    assert 'value="lexical" checked' in page.text


def test_the_field_offers_what_may_be_meant(client: Client, collection: Collection) -> None:
    page = client.get("/")

    assert ' list="suggestions"' in page.text
    assert '<datalist id="suggestions" hx-get="/suggest/" hx-include="#search"' in page.text


def test_with_one_collection_no_choice_is_offered(client: Client, collection: Collection) -> None:
    assert 'name="collection"' not in client.get("/").text


def test_with_several_collections_the_chosen_one_is_searched(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    make_document(title="Only in docs", body="bread")
    indexed()

    page = client.get("/", {"collection": other.slug, "q": "bread", "filter": "tag:x"})
    tabs = re.findall(r'<a id="tab-\d" href="([^"]*)"[^>]*?(?: (aria-current="page"))?>([^<]*)</a>', page.text)
    assert [(unescape(url), chosen, name) for url, chosen, name in tabs] == [
        ("/?q=bread&collection=docs", "", "Docs"),
        ("/?q=bread&collection=other", 'aria-current="page"', "Other"),
        ("/?q=bread&collection=docs%2Cother", "", "All"),
    ]
    assert '<input type="hidden" name="collection" value="other" form="search">' in page.text
    assert "Only in docs" in client.get("/", {"q": "bread", "collection": "docs"}).text


def test_with_many_collections_the_choice_is_a_list(client: Client, collection: Collection) -> None:
    for number in range(6):
        Collection.objects.create(slug=f"c{number}", name=f"Collection {number}")

    assert '<select id="collection" name="collection">' in client.get("/").text


def test_no_result_says_so_and_offers_the_other_collections(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    Collection.objects.create(slug="other", name="Other")
    make_document(body="bread")
    indexed()

    page = client.get("/", {"q": "zzz", "collection": "docs", "mode": "lexical"})

    assert page.status_code == 200
    assert "Nothing found." in page.text
    assert 'href="/?q=zzz&amp;collection=other&amp;mode=lexical"' in page.text
    assert '<a href="/?q=zzz&amp;collection=docs">Search by meaning and words</a>' in page.text


def test_nothing_that_matches_well_is_said_plainly_and_the_nearest_stand_apart(
    show: ShowResponse, make_result: MakeResult
) -> None:
    page = show(make_result(title="Somewhat near"), good_match=False)

    said, nearest = page.text.split("The nearest documents, though not close")
    assert "Nothing here is a good match." in said
    assert "Somewhat near" in nearest
    assert "Somewhat near" not in said


def test_a_degraded_answer_names_each_reason(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(make_result(), degraded=("The encoder is <away>.",))

    assert "This answer is less complete than usual." in page.text
    assert "<li>The encoder is &lt;away&gt;.</li>" in page.text


def test_a_collection_without_an_index_is_a_503_that_says_when_to_come_back(
    client: Client, make_document: Make
) -> None:
    make_document()

    page = client.get("/", {"q": "words"})

    assert page.status_code == 503
    seconds = page.headers["Retry-After"]
    assert f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>' in page.text
    assert f'hx-trigger="load delay:{seconds}s"' in page.text
    assert "1 document is waiting to be indexed." in page.text


def test_while_documents_wait_the_results_say_how_far_the_index_is(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(body="bread")
    indexed()
    make_document(body="butter")

    page = client.get("/", {"q": "bread"})

    assert "<strong>1</strong> document saved and not searchable yet" in page.text
    assert 'id="r1"' in page.text


def test_an_index_that_holds_everything_visible_is_said_to_be_up_to_date(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(body="bread")
    indexed()
    make_document(body="bread", visibility="staff")

    page = client.get("/", {"q": "bread"}).text

    assert 'data-freshness="current">Up to date' in page
    assert "not searchable yet" not in page


def test_a_stoppage_is_told_to_everybody_without_its_details(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(body="bread")
    indexed()
    full = stoppages.in_words(OSError(errno.ENOSPC, "No space left", "/srv/secret/path"))
    IndexVersion.objects.update(last_error=full)
    make_document(body="butter")

    page = client.get("/", {"q": "bread"}).text

    assert 'data-freshness="paused"' in page
    assert "The disk is full; it goes on by itself once there is room." in page
    assert "secret" not in page


def test_the_start_page_shows_the_progress_too(client: Client, make_document: Make) -> None:
    make_document()

    assert "<strong>1</strong> document saved and not searchable yet" in client.get("/").text


def test_an_overlong_query_is_a_400_with_the_reason(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document()
    indexed()

    page = client.get("/", {"q": "x" * 10_000})

    assert page.status_code == 400
    assert "10000 characters" in page.text


def test_an_unknown_mode_is_a_400_with_the_known_ones(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document()
    indexed()

    page = client.get("/", {"q": "words", "mode": "telepathy"})

    assert page.status_code == 400
    assert "lexical" in page.text.split('data-state="bad_query"')[1]


def test_an_unknown_collection_is_a_404_with_links_to_those_that_exist(client: Client, collection: Collection) -> None:
    page = client.get("/", {"q": "words", "collection": "nope"})

    assert page.status_code == 404
    assert '<a href="/?q=words&amp;collection=docs">Docs</a>' in page.text


def test_without_any_collection_it_says_where_to_make_one(client: Client, db: None) -> None:
    page = client.get("/", {"q": "words"})

    assert page.status_code == 200
    assert "There is no collection yet." in page.text
    assert 'href="/admin/search/collection/add/"' in page.text


def test_more_results_than_shown_are_one_link_away(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(*[make_result(rank=rank) for rank in range(1, 21)], total=57, next_cursor="x:y")

    assert "The best 20 of 57 documents" in page.text
    assert 'href="/?q=words&amp;cursor=x%3Ay"' in page.text


def test_a_later_page_says_which_results_it_shows_and_leads_back(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(*[make_result(rank=rank) for rank in (21, 22)], total=22, asked=Asked("words", cursor="x:y"))

    assert "21 to 22 of 22 documents" in page.text
    assert '<ol class="results" id="results" role="list" start="21">' in page.text
    assert '<a class="to-first" href="/?q=words">' in page.text


def test_a_total_that_is_a_lower_bound_says_so(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(make_result(), total=1000, total_relation="gte", next_cursor="x:y")

    assert "of 1,000+ documents" in page.text


def test_the_end_of_a_capped_set_says_how_to_narrow_it_down(show: ShowResponse, make_result: MakeResult) -> None:
    page = show(make_result(), total=500, total_relation="gte")

    assert "Show more" not in page.text
    assert "These are the best" in page.text


def test_only_the_strength_of_good_matches_is_shown(show: ShowResponse, make_result: MakeResult) -> None:
    assert "Strong match, by meaning and words" in show(make_result(strength="strong")).text
    assert "by meaning and words" not in show(make_result(), good_match=False).text


def test_pages_lead_through_all_results_without_scripts(client: Client, make_document: Make, indexed: Drain) -> None:
    for number in range(45):
        make_document(title=f"Bread {number}", body="bread")
    indexed()
    url, seen = "/?q=bread&sort=title", []

    while url:
        page = client.get(url)
        seen += re.findall(r">(Bread \d+)</a>", page.text)
        found = re.search(r'href="([^"]*cursor=[^"]*)"', page.text)
        url = unescape(found[1]) if found else ""

    assert seen == sorted(f"Bread {number}" for number in range(45))


def test_values_that_tell_results_apart_narrow_the_search_down(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    for number in range(6):
        tags = ["a, b"] if number < 2 else ["c"]
        make_document(body="bread", language="de" if number < 3 else "en", metadata={"tags": tags})
    indexed()

    page = client.get("/", {"q": "bread"})
    assert facet(page.text, "Tag") == {"c": "4", "a, b": "2"}
    assert facet(page.text, "Language") == {"English": "3", "German": "3"}

    narrowed = client.get(link(page.text, "a, b"))
    assert facet(narrowed.text, "Tag") == {"a, b": "2"}
    assert "2 documents" in narrowed.text
    assert '<input type="hidden" name="filter" value="tag:&quot;a, b&quot;" form="search">' in narrowed.text
    assert link(narrowed.text, "a, b") == "/?q=bread"
    assert re.search(
        r'<a href="/\?q=bread" [^>]*><span class="hidden">Take away the filter </span>Tag: a, b', narrowed.text
    )


def test_a_filter_in_the_query_is_taken_away_there(client: Client, make_document: Make, indexed: Drain) -> None:
    for language in ("de", "en"):
        make_document(body="bread", language=language)
    indexed()

    page = client.get("/", {"q": "bread language:de"})

    assert facet(page.text, "Language") == {"German": "1"}
    assert "Take away the filter" not in page.text
    assert '<span class="fixed" aria-current="true"><span class="value" dir="auto">German' in page.text


def test_without_a_result_the_filters_can_be_taken_away(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document(body="bread")
    indexed()

    page = client.get("/", {"q": "bread", "filter": ["tag:x", "language:de"]})

    assert "Nothing found." in page.text
    assert '<a href="/?q=bread">Search without the filters</a>' in page.text
    assert 'href="/?q=bread&amp;filter=tag%3Ax"' in page.text


def test_a_filter_that_cannot_be_read_is_named_and_can_be_taken_away(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document()
    indexed()

    page = client.get("/", {"q": "bread", "filter": "<b>:1"})

    assert page.status_code == 400
    assert "There is no field &lt;b&gt; to filter by." in page.text
    assert "</span>&lt;b&gt;:1" in page.text


def test_results_are_shown_in_another_order_on_request(client: Client, make_document: Make, indexed: Drain) -> None:
    for title in ("Zebra bread", "Ant bread"):
        make_document(title=title, body="bread")
    indexed()

    page = client.get("/", {"q": "bread", "sort": "title"})

    assert page.text.index(">Ant bread</a>") < page.text.index(">Zebra bread</a>")
    assert '<input type="hidden" name="sort" value="title" form="search">' in page.text
    assert re.search(r'<a href="/\?q=bread&amp;sort=title"[^>]* aria-current="true">Title</a>', page.text)


def facet(text: str, label: str) -> dict[str, str]:
    """The values of a facet with their counts, as shown."""
    section = re.search(rf'<h3 dir="auto">{label}</h3>(.*?)</section>', text, re.DOTALL)
    assert section, label
    found = re.findall(r'class="value" dir="auto">([^<]*)</span> <span class="count">([^<]*)<', section[1])
    return {unescape(value): count for value, count in found}


def link(text: str, value: str) -> str:
    """Where a facet's value leads."""
    found = re.search(rf'<a href="([^"]*)"[^>]*><span class="value" dir="auto">{re.escape(value)}</span>', text)
    assert found, value
    return unescape(found[1])


def test_the_number_of_queries_does_not_grow_with_the_results(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    make_document(body="bread one")
    indexed()
    few = _queries(client)
    for number in range(15):
        make_document(body=f"bread {number}")
    indexed()

    assert _queries(client) == few


def _queries(client: Client) -> int:
    client.get("/", {"q": "bread"})  # opens the index
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/", {"q": "bread"}).status_code == 200
    return len(queries)


def test_all_collections_are_searched_together(client: Client, make_document: Make, indexed: Drain) -> None:
    make_document(title="Here")
    indexed()
    other = Collection.objects.create(slug="other", name="Other")
    make_document(collection=other, external_id="there", title="Elsewhere", body="A body with some words.")
    applier.drain(other.pk, budget_seconds=60)

    page = client.get("/", {"q": "words", "collection": "docs,other"}).content.decode()

    assert re.search(r'aria-current="page">All</a>', page)
    assert "Elsewhere" in page and "Here" in page
    assert "</span> Other</li>" in page and "</span> Docs</li>" in page
    assert 'data-freshness="current"' in page
    assert re.search(r'aria-current="page">Docs</a>', client.get("/", {"q": "words"}).content.decode())
    make_document(collection=other, external_id="new", title="Saved just now")
    waiting = client.get("/", {"q": "words", "collection": "docs,other"}).content.decode()
    assert "1 document of these collections is saved and not searchable yet." in waiting
    assert 'data-freshness="current"' not in waiting
    assert client.get("/", {"q": "words", "collection": "docs,nowhere"}).status_code == 404
    assert client.get("/", {"collection": "docs,other"}).status_code == 200
    assert "these collections" in client.get("/", {"q": '"zebra"', "collection": "docs,other"}).content.decode()


def test_where_the_weak_matches_begin_is_said_once(show: ShowResponse, make_result: MakeResult) -> None:
    strengths = ("strong", "weak", "possible", "weak", "weak")
    page = show(*[make_result(rank=at, strength=each) for at, each in enumerate(strengths, 1)]).content.decode()

    assert page.count("From here on, less close") == 1
    assert page.index("From here on, less close") > page.index('id="r4"')
    assert "From here on" not in show(make_result(rank=1, strength="weak")).content.decode()
    assert "From here on" not in show(make_result(rank=1, strength="strong")).content.decode()


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"q": "bread", "filter": "metadata.team:hr"}, "/?q=bread&filter=metadata.Team%3Ahr"),
        ({"q": "bread -metadata.team:*  metadata.team:hr"}, "/?q=bread+-metadata.Team%3A%2A++metadata.Team%3Ahr"),
        ({"q": "bread", "filter": "metadata.Team:sales"}, ""),
        ({"q": "bread", "filter": "metadata.secret:x"}, ""),
    ],
)
def test_a_key_in_other_case_is_offered_as_documents_have_it(
    client: Client, make_document: Make, indexed: Drain, asked: dict[str, str], meant: str
) -> None:
    make_document(body="bread", metadata={"Team": "hr"})
    make_document(body="bread", metadata={"Secret": "x"}, visibility="staff")
    indexed()

    page = client.get("/", asked)

    assert 'data-state="nothing"' in page.text
    offered = re.search(r'<a href="([^"]*)">Search with metadata\.Team</a>', page.text)
    assert (unescape(offered[1]) if offered else "") == meant
    assert "Search with metadata.Secret" not in page.text
