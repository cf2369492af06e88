"""The page of one document, and who gets to see it."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils.html import escape

from search.models import Chunk, Document

Make = Callable[..., Document]
Drain = Callable[[], int]
pytestmark = pytest.mark.django_db


def test_it_shows_title_text_metadata_and_source(client: Client, make_document: Make) -> None:
    document = make_document(
        title="Bread", body="Knead.\n\nRest.", url="https://example.org/b", metadata={"kind": "recipe"}
    )

    page = client.get(f"/documents/{document.pk}/")

    assert page.status_code == 200
    assert ">Bread</h1>" in page.text
    assert '<p dir="auto">Knead.</p>' in page.text and '<p dir="auto">Rest.</p>' in page.text
    assert '<a href="https://example.org/b"' in page.text
    assert '<dt dir="auto">Kind</dt>' in page.text


@pytest.mark.parametrize(
    "fields", [{"visibility": "staff"}, {"visibility": "groups"}, {"state": "draft"}, {"state": "archived"}]
)
def test_what_a_visitor_may_not_see_looks_like_what_does_not_exist(
    client: Client, make_document: Make, fields: dict[str, str]
) -> None:
    document = make_document(title="Secret title", body="Secret body", **fields)

    hidden = client.get(f"/documents/{document.pk}/")
    missing = client.get("/documents/999999/")

    assert hidden.status_code == missing.status_code == 404
    assert "Secret" not in hidden.text
    assert without_address(hidden) == without_address(missing)


def without_address(page: Any) -> str:
    """The text of a page but for its own address, with which it offers to change the language, and its request's id."""
    address = page.request["PATH_INFO"]
    text = re.sub(r"<code>[0-9a-f]{32}</code>", "", str(page.text))
    return text.replace(quote(address, ""), "").replace(f'value="{address}"', "")


def test_staff_see_what_is_for_staff(client: Client, make_document: Make, staff: User) -> None:
    document = make_document(visibility="staff")
    client.force_login(staff)

    assert client.get(f"/documents/{document.pk}/").status_code == 200


def test_members_see_what_is_for_their_group(client: Client, make_document: Make, outsider: User) -> None:
    document = make_document(visibility="groups")
    group = Group.objects.create(name="bakers")
    document.groups.add(group)
    client.force_login(outsider)
    assert client.get(f"/documents/{document.pk}/").status_code == 404

    outsider.groups.add(group)

    assert client.get(f"/documents/{document.pk}/").status_code == 200


@pytest.mark.parametrize("number", ["0", "99999999999999999999999999"])
def test_a_number_that_no_document_can_have_is_a_404(client: Client, db: None, number: str) -> None:
    assert client.get(f"/documents/{number}/").status_code == 404


def test_hostile_text_is_escaped_and_hostile_addresses_are_not_linked(client: Client, make_document: Make) -> None:
    hostile = "<script>alert(1)</script>"
    document = make_document(
        title=hostile, body=hostile, url="javascript:alert(1)", metadata={hostile: hostile}, language='"><b>'
    )

    page = client.get(f"/documents/{document.pk}/")

    assert "<script>alert" not in page.text
    assert 'lang=""><b>' not in page.text
    assert 'href="javascript:' not in page.text


def test_the_found_passage_is_marked(client: Client, make_document: Make, indexed: Drain) -> None:
    document = make_document(body="\n\n".join(f"Step {number}: knead the <dough>. " * 40 for number in range(9)))
    indexed()
    chunk = Chunk.objects.live().filter(document=document)[1]

    page = client.get(f"/documents/{document.pk}/", {"chunk": chunk.pk})

    [begin] = re.findall(r'<mark class="passage" id="passage" tabindex="-1" data-number="1">([^<]*)<', page.text)
    assert escape(document.body[chunk.start : chunk.end]).startswith(begin)
    assert "1 passage matches" in page.text


def test_a_passage_that_is_the_whole_text_is_not_marked(client: Client, make_document: Make, indexed: Drain) -> None:
    document = make_document(body="Knead the dough.")
    indexed()
    chunk = Chunk.objects.live().get(document=document)

    assert 'id="passage"' not in client.get(f"/documents/{document.pk}/", {"chunk": chunk.pk}).text


def test_a_passage_of_an_earlier_text_is_not_marked(client: Client, make_document: Make, indexed: Drain) -> None:
    document = make_document(body="Knead the dough. " * 400)
    indexed()
    chunk = Chunk.objects.live().filter(document=document)[1]
    Document.objects.filter(pk=document.pk).update(body="Do not knead the dough. " * 400)

    assert 'id="passage"' not in client.get(f"/documents/{document.pk}/", {"chunk": chunk.pk}).text


@pytest.mark.parametrize("chunk", ["", "x", "-1", "9" * 40, "²"])
def test_a_passage_that_is_none_is_ignored(client: Client, make_document: Make, chunk: str) -> None:
    document = make_document()

    assert client.get(f"/documents/{document.pk}/", {"chunk": chunk}).status_code == 200


def test_the_way_back_leads_to_the_same_results(client: Client, make_document: Make) -> None:
    document = make_document()

    page = client.get(f"/documents/{document.pk}/", {"q": "bread", "mode": "lexical"})

    assert 'href="/?q=bread&amp;mode=lexical"' in page.text


def test_a_very_long_text_is_cut_with_a_link_to_the_whole(client: Client, make_document: Make) -> None:
    document = make_document(body="a" * 200_000 + "THE END")

    short = client.get(f"/documents/{document.pk}/")
    whole = client.get(f"/documents/{document.pk}/", {"whole": "1"})

    assert "Show the other 7 characters" in short.text
    assert "THE END" not in short.text
    assert "THE END" in whole.text


def test_all_passages_that_match_are_marked_and_lead_to_each_other(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    body = "\n\n".join(f"## Step {number}\n\n" + f"{word} " * 90 + "." for number, word in enumerate("abcabc"))
    document = make_document(body=body.replace("c c", "knead knead"))
    indexed()

    page = client.get(f"/documents/{document.pk}/", {"q": "knead", "mode": "lexical"}).text
    targets = set(re.findall(r'href="#(passage[-\d]*)"', page))

    assert len(targets) > 1 and "passage" in targets
    assert targets == set(re.findall(r'id="(passage[-\d]*)"', page))
    assert '<mark class="passage word">knead</mark>' in page
    assert '<h2 dir="auto">' in page and "## Step" not in page


def test_a_passage_far_behind_the_beginning_is_shown(client: Client, make_document: Make, indexed: Drain) -> None:
    document = make_document(body="Some words here. " * 13_000 + "\n\nZebra crossing.\n\n" + "More words. " * 4_000)
    indexed()
    chunk = Chunk.objects.live().filter(document=document).order_by("-ordinal")[1]

    page = client.get(f"/documents/{document.pk}/", {"chunk": chunk.pk}).text

    assert 'id="passage"' in page


def test_a_first_line_that_repeats_the_title_is_left_out(client: Client, make_document: Make) -> None:
    document = make_document(title="How to bake", body="# How to  bake\n\nKnead.")

    page = client.get(f"/documents/{document.pk}/").text

    assert page.count("bake</h") == 1
    assert ">Knead.</p>" in page


def test_pages_of_a_pdf_are_named_and_lead_into_it(client: Client, make_document: Make) -> None:
    document = make_document(
        body="One.\n\nTwo.", url="https://example.org/a.pdf", anchors=[[0, "page 1"], [6, "page 2"]]
    )

    page = client.get(f"/documents/{document.pk}/").text

    assert '<a href="https://example.org/a.pdf#page=2" rel="noopener noreferrer nofollow">page 2</a>' in page


def test_links_in_a_text_are_harmless(client: Client, make_document: Make) -> None:
    document = make_document(body="[go](javascript:alert(1)) [on](https://example.org/) [x](data:text/html,y)")

    page = client.get(f"/documents/{document.pk}/").text

    assert "javascript:" not in page.split('<div class="body"')[1]
    assert 'href="data:' not in page
    assert '<a href="https://example.org/" rel="noopener noreferrer nofollow">on</a>' in page


def test_similar_documents_come_later_or_on_a_page_of_their_own_and_only_visible_ones(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    document = make_document(title="Bread", body="Knead the dough.")
    make_document(title="Rolls", body="Knead the dough well.")
    make_document(title="Secret", body="Knead the dough now.", visibility="staff")
    indexed()
    address = f"/documents/{document.pk}/similar/"

    part = client.get(address, headers={"HX-Request": "true"})
    page = client.get(address)

    assert f'hx-get="{address}"' in client.get(f"/documents/{document.pk}/").text
    assert ">Rolls</a>" in part.text and "<html" not in part.text
    assert ">Rolls</a>" in page.text and "Back to the document" in page.text
    assert "Secret" not in part.text + page.text
    assert client.get("/documents/999999/similar/").status_code == 404


def test_what_cannot_be_compared_says_why(client: Client, make_document: Make) -> None:
    document = make_document()

    assert "Nothing of this collection is indexed yet." in client.get(f"/documents/{document.pk}/similar/").text


def test_staff_see_the_indexing_state_and_the_way_to_the_admin(
    client: Client, make_document: Make, indexed: Drain, staff: User
) -> None:
    document = make_document()
    client.force_login(staff)
    before = client.get(f"/documents/{document.pk}/")
    indexed()
    after = client.get(f"/documents/{document.pk}/")

    assert "Waiting for an index" in before.text
    assert "Up to date" in after.text
    assert f'href="/admin/search/document/{document.pk}/change/"' in after.text


def test_visitors_see_nothing_of_the_indexing(client: Client, make_document: Make) -> None:
    document = make_document()

    assert "For curators" not in client.get(f"/documents/{document.pk}/").text


def test_below_the_title_headings_begin_at_the_second_level_and_names_read_like_words(
    client: Client, make_document: Make
) -> None:
    body = "# Leave\n\n## When\n\nSoon.\n\n### How\n\n|  | days |\n|---|---|\n| rest | 30 |\n"
    document = make_document(title="Leave", body=body, metadata={"cost_centre": "12"})

    page = client.get(f"/documents/{document.pk}/").text

    assert re.findall(r"<h(\d) dir=\"auto\">(\w+)</h", page) == [("1", "Leave"), ("2", "When"), ("3", "How")]
    assert '<td dir="auto"></td><th scope="col" dir="auto">days</th>' in page
    assert ">Cost centre</dt>" in page
