"""A curator saves a document in the admin; a person and a program find it, in every web process."""

import re
from collections.abc import Callable

import pytest

from tests.journeys.stack import WEB_SERVERS, Stack

pytestmark = pytest.mark.timeout(600)
TEXT = "The lighthouse keeper winds the great clockwork that turns the lamp every evening."


def save_in_admin(stack: Stack, slug: str, *, title: str, body: str, **fields: str) -> str:
    """Save a new document through the admin's form; returns the address of its own form."""
    collection = str(stack.collection_id(slug))
    stack.fill_in("/admin/search/document/add/", collection=collection, title=title, body=body, **fields)
    found = stack.sql("SELECT max(id) FROM search_document WHERE title = %s", [title])
    return f"/admin/search/document/{found[0][0]}/"


def test_a_document_saved_in_the_admin_is_found_on_the_page_by_its_meaning(stack: Stack, slug: str) -> None:
    save_in_admin(stack, slug, title="Evening duties", body=TEXT)
    save_in_admin(stack, slug, title="Bread", body="Let the dough rise for two hours before you bake it.")
    stack.wait_indexed(slug)
    page = stack.browsers[0].get("/", q="machinery that rotates a light by the sea", collection=slug)
    assert page.status == 200
    assert re.findall("Evening duties|Bread", page.text)[0] == "Evening duties"


def test_a_document_saved_in_the_admin_is_found_by_the_api_with_its_row(stack: Stack, slug: str) -> None:
    form = save_in_admin(stack, slug, title="Evening duties", body=TEXT, external_id="duties-1")
    stack.wait_indexed(slug)
    result = stack.search("machinery that rotates a light by the sea", slug)[0]
    assert result["document"]["external_id"] == "duties-1"
    assert form.endswith(f"/{result['document']['id']}/")
    assert TEXT[result["chunk"]["start"] : result["chunk"]["end"]] == TEXT


def test_web_processes_answer_without_torch(stack: Stack, slug: str) -> None:
    save_in_admin(stack, slug, title="Evening duties", body=TEXT)
    stack.wait_indexed(slug)
    for web in range(WEB_SERVERS):
        assert stack.search("machinery that rotates a light by the sea", slug, web=web, mode="dense")
    libraries = [stack.libraries_of(web) for web in stack.webs]
    assert [("openvino" in found, "torch" in found) for found in libraries] == [(True, False)] * WEB_SERVERS


def test_after_an_edit_the_old_text_is_gone_and_the_new_is_found(stack: Stack, slug: str) -> None:
    form = save_in_admin(stack, slug, title="Notes", body="Everything about xylophones.", external_id="notes")
    stack.wait_indexed(slug)
    assert stack.found("xylophones", slug, mode="lexical") == ["notes"]
    stack.fill_in(form, body="Everything about harmoniums.")
    stack.wait_indexed(slug)
    for web in range(WEB_SERVERS):
        assert stack.found("harmoniums", slug, web=web, mode="lexical") == ["notes"]
        assert stack.found("xylophones", slug, web=web, mode="lexical") == []
        hits = stack.search("xylophones", slug, web=web)
        assert all("xylophones" not in hit["snippet"]["text"] for hit in hits)


def delete_by_the_api(stack: Stack, form: str) -> None:
    document = form.rstrip("/").rpartition("/")[2]
    assert stack.api.send("DELETE", f"/api/v1/documents/{document}/").status == 204


TAKE_AWAY: dict[str, Callable[[Stack, str], object]] = {
    "archived in the admin": lambda stack, form: stack.fill_in(form, state="archived"),
    "made a draft in the admin": lambda stack, form: stack.fill_in(form, state="draft"),
    "deleted in the admin": lambda stack, form: stack.fill_in(form + "delete/", post="yes"),
    "deleted by the API": delete_by_the_api,
    "deleted by SQL": lambda stack, form: stack.sql("DELETE FROM search_document WHERE title = %s", ["deleted by SQL"]),
}


def test_what_is_taken_away_is_gone_at_the_very_next_query_of_every_web_process(stack: Stack, slug: str) -> None:
    forms = {way: save_in_admin(stack, slug, title=way, body=TEXT, external_id=way) for way in TAKE_AWAY}
    stack.wait_indexed(slug)
    for web in range(WEB_SERVERS):
        assert sorted(stack.found("lighthouse keeper", slug, web=web)) == sorted(TAKE_AWAY)
    stack.kill_worker()  # so that only the check against the database can remove anything
    left = set(TAKE_AWAY)
    for way, take_away in TAKE_AWAY.items():
        take_away(stack, forms[way])
        left.remove(way)
        for web in range(WEB_SERVERS):
            assert set(stack.found("lighthouse keeper", slug, web=web)) == left, way
            page = stack.browsers[web].get("/", q="lighthouse keeper", collection=slug)
            assert (way in page.text, "clockwork" in page.text) == (False, bool(left)), way


def test_a_published_change_is_seen_by_every_web_process_at_its_next_query(stack: Stack, slug: str) -> None:
    for number in range(5):
        stack.put(slug, f"d{number}", title=f"Document {number}", body=f"It speaks of marker{number}.")
        stack.wait_indexed(slug)
        for web in range(WEB_SERVERS):
            assert stack.found(f"marker{number}", slug, web=web, mode="lexical") == [f"d{number}"]
            assert f"d{number}" in stack.found(f"It speaks of marker{number}.", slug, web=web, mode="dense")
