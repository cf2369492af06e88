"""Clicks and thumbs from the search page."""

import re
from typing import Any

import pytest
from django.test import Client

from search.analytics import recording
from search.datatypes import SearchResponse, Timings
from search.models import Document, IndexVersion, SearchLog, SearchReaction

URL = "/feedback/"


@pytest.fixture
def sent(live: IndexVersion, settings: Any) -> dict[str, Any]:
    """What a thumb sends."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    answer = SearchResponse("words", "hybrid", "docs", 1, total=1, total_relation="eq", took_ms=Timings())
    query_id = recording.record(answer, version=live, source="page")
    return {"query_id": query_id, "document": str(Document.objects.get().pk), "kind": "up"}


def kinds() -> list[str]:
    return list(SearchReaction.objects.values_list("kind", flat=True))


def test_an_opened_result_is_noted_without_an_answer_to_show(client: Client, sent: dict[str, Any]) -> None:
    answer = client.post(URL, {**sent, "kind": "click"})

    assert (answer.status_code, answer.content, kinds()) == (204, b"", ["click"])


def test_a_thumb_without_scripts_is_noted_on_a_page_with_the_way_back(client: Client, sent: dict[str, Any]) -> None:
    here = client.post(URL, sent, headers={"Referer": "http://testserver/?q=words"}).content.decode()
    elsewhere = client.post(URL, sent, headers={"Referer": "http://evil.example/?q=words"}).content.decode()
    too_old = client.post(URL, {**sent, "query_id": "x"}).content.decode()

    assert "Noted: this helps." in here and kinds() == ["up"]
    assert 'href="http://testserver/?q=words"' in here
    assert "evil.example" not in elsewhere and 'class="action" href="/"' in elsewhere
    assert "This could not be noted" in too_old


def test_a_thumb_by_script_is_answered_in_place(client: Client, sent: dict[str, Any]) -> None:
    noted = client.post(URL, sent, headers={"HX-Request": "true"}).content.decode()
    too_old = client.post(URL, {**sent, "query_id": "x"}, headers={"HX-Request": "true"}).content.decode()

    assert "Noted: this helps." in noted
    assert "could not be noted" in too_old


def test_the_pages_own_scripts_need_no_token_and_nobody_else_knows_the_id(sent: dict[str, Any]) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(URL, {**sent, "kind": "click"}).status_code == 204
    assert strict.post(URL, {**sent, "kind": "click", "query_id": "guessed"}).status_code == 404


@pytest.mark.parametrize("wrong", [{"kind": "love"}, {"document": "x"}, {"document": "9" * 19}, {"document": ""}])
def test_what_makes_no_sense_is_refused(client: Client, sent: dict[str, Any], wrong: dict[str, str]) -> None:
    assert client.post(URL, {**sent, **wrong}).status_code == 400
    assert client.get(URL).status_code == 405
    assert kinds() == []


def test_where_searching_is_not_public_visitors_cannot_react(
    client: Client, sent: dict[str, Any], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}

    assert client.post(URL, sent).status_code == 403
    assert kinds() == []


@pytest.mark.parametrize("is_logged", [True, False])
def test_the_page_offers_thumbs_and_notes_what_is_opened_only_while_the_log_is_on(
    client: Client, live: IndexVersion, settings: Any, is_logged: bool
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": is_logged}

    page = client.get("/", {"q": "words"}).text
    for kind in ("click", "up"):
        found = re.search('data-query-id="([^"]+)"', page)
        sent = {"query_id": found[1] if found else "guessed", "document": Document.objects.get().pk, "kind": kind}
        client.post(URL, sent, headers={"HX-Request": "true"})

    assert ("data-query-id" in page, 'class="thumbs"' in page) == (is_logged, is_logged)
    assert sorted(kinds()) == (["click", "up"] if is_logged else [])
    assert SearchLog.objects.count() == int(is_logged)
