"""Limits for addresses, tokens and guessers: counted over processes, said on every answer, refused with 429."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from search.access import request_counts, tokens
from search.access.request_counts import RequestCounts
from search.access.scopes import Scope

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v1/collections/", "/"


@pytest.fixture
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three requests a minute for an address, four for a token, two guesses; time stands still."""
    settings.SEMSEARCH = {
        **settings.SEMSEARCH, "REQUESTS_PER_MINUTE": 3, "TOKEN_REQUESTS_PER_MINUTE": 4, "GUESSES_PER_MINUTE": 2,
    }  # fmt: skip
    monkeypatch.setattr("semsearch_project.request_limits.time", lambda: 1_000_030.0)


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def test_answers_say_what_is_left_and_the_fourth_is_refused(limited: None, client: Client) -> None:
    left = [client.get(API)["RateLimit"] for _ in range(3)]
    refused = client.get(API)

    assert left == ['"address";r=2;t=50', '"address";r=1;t=50', '"address";r=0;t=50']
    assert refused.status_code == 429
    assert refused["RateLimit-Policy"] == '"address";q=3;w=60'
    assert refused["Retry-After"] == "50"
    assert refused.json()["type"] == "urn:semsearch:problem:throttled"


def test_a_page_says_it_to_people(limited: None, client: Client, collection: object) -> None:
    pages = [client.get(PAGE) for _ in range(4)]

    assert [page.status_code for page in pages][-1] == 429
    assert "Too many requests" in pages[-1].content.decode()


def test_a_new_minute_and_another_address_begin_anew(
    limited: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        client.get(API)
    assert client.get(API, REMOTE_ADDR="10.0.0.9").status_code == 200
    monkeypatch.setattr("semsearch_project.request_limits.time", lambda: 1_000_090.0)
    assert client.get(API).status_code == 200


def test_each_token_has_a_limit_of_its_own(limited: None, client: Client, admin_user: User) -> None:
    first, second = (tokens.issue(admin_user, name, [Scope.SEARCH_READ]).text for name in ("a", "b"))

    codes = [client.get(API, headers=bearer(first)).status_code for _ in range(5)]

    assert codes == [200, 200, 200, 200, 429]
    assert client.get(API, headers=bearer(second)).status_code == 200


def test_who_guesses_has_to_wait_whatever_the_guess(limited: None, client: Client) -> None:
    guesses = [f"sems_{number:016x}_{'0' * 64}" for number in range(3)]

    assert [client.get(API, headers=bearer(guess)).status_code for guess in guesses] == [401, 401, 429]


def test_a_forwarded_address_is_believed_from_our_proxies_only(limited: None, client: Client, settings: Any) -> None:
    forged = [client.get(API, headers={"x-forwarded-for": f"10.0.0.{n}"}).status_code for n in range(4)]
    assert forged[-1] == 429
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PROXIES": 1}
    told = [client.get(API, headers={"x-forwarded-for": f"6.6.6.6, 10.1.0.{n}"}).status_code for n in range(4)]
    assert told == [200, 200, 200, 200]


def test_processes_count_together(tmp_path: Path) -> None:
    first, second = RequestCounts(tmp_path / "counts"), RequestCounts(tmp_path / "counts")

    assert [counts.add("ada", 1_000.0) for counts in (first, second, first)] == [1, 2, 3]
    assert second.add("ada", 1_000.0, times=0) == 3
    assert second.add("bob", 1_000.0) == 1
    assert first.add("ada", 1_000.0 + request_counts.WINDOW_SECONDS) == 1
