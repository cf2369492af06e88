"""The switch between languages: a cookie, the way back, and the same address."""

import pytest
from django.test import Client

from search.models import Collection

pytestmark = pytest.mark.django_db


def test_the_chosen_language_holds_for_every_page_and_leaves_the_address_alone(
    client: Client, collection: Collection
) -> None:
    gone = client.post("/language/", {"language": "de", "next": "/?q=bread&filter=a%3Ab"})
    page = client.get("/")

    assert (gone.status_code, gone.headers["Location"]) == (302, "/?q=bread&filter=a%3Ab")
    assert gone.cookies["django_language"]["samesite"] == "Lax"
    assert '<html lang="de"' in page.text
    assert 'value="de" lang="de" aria-current="true">Deutsch</button>' in page.text


def test_the_browser_s_language_holds_until_one_is_chosen(client: Client, collection: Collection) -> None:
    page = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9"})

    assert '<html lang="de"' in page.text
    assert "Accept-Language" in page.headers["Vary"]


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_it_never_leads_away_from_the_site(client: Client, db: None, next_page: str) -> None:
    assert client.post("/language/", {"language": "de", "next": next_page}).headers["Location"] == "/"


@pytest.mark.parametrize("language", ["xx", "", "../../etc"])
def test_a_language_that_is_not_offered_changes_nothing(client: Client, db: None, language: str) -> None:
    assert "django_language" not in client.post("/language/", {"language": language}).cookies


def test_the_page_offers_the_way_back_to_itself(client: Client, collection: Collection) -> None:
    assert '<input type="hidden" name="next" value="/?q=%3Cb%3E">' in client.get("/?q=<b>").text
