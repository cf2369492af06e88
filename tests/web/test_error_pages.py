"""The pages that Django shows when there is no other: they must not need a request, a user or the database."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from search import query_service


@pytest.mark.parametrize(("template", "said"), [("500.html", "went wrong"), ("400.html", "did not understand")])
def test_error_pages_stand_without_a_request(template: str, said: str) -> None:
    assert said in render_to_string(template)


@pytest.mark.django_db
def test_an_unknown_address_gets_the_site_s_own_404(client: Client) -> None:
    page = client.get("/nowhere/")

    assert page.status_code == 404
    assert "This page does not exist." in page.text


@pytest.mark.django_db
@pytest.mark.usefixtures("collection")
def test_a_fault_in_the_search_gets_the_site_s_own_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(query_service, "search", break_down)

    page = Client(raise_request_exception=False).get("/", {"q": "bread"})

    assert page.status_code == 500
    assert "Something went wrong on the server." in page.text
    assert "a fault" not in page.text
