"""Who may open the pages, and by which methods."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from search.models import Document

Make = Callable[..., Document]
pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(settings: Any) -> None:
    """An installation that only its users may search."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("path", ["/?q=bread", "/documents/1/", "/progress/?collection=docs"])
def test_a_closed_installation_sends_strangers_to_the_login(client: Client, make_document: Make, path: str) -> None:
    make_document(title="Secret")

    page = client.get(path)

    assert page.status_code == 302
    assert page.headers["Location"].startswith("/admin/login/?next=")


@pytest.mark.usefixtures("closed")
def test_a_closed_installation_makes_htmx_leave_the_page_instead_of_showing_a_login_in_it(client: Client) -> None:
    part = client.get(
        "/progress/",
        {"collection": "docs"},
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/?q=bread"},
    )

    assert part.headers["HX-Redirect"] == "/admin/login/?next=/%3Fq%3Dbread"


@pytest.mark.usefixtures("closed")
def test_a_closed_installation_lets_its_users_in(client: Client, outsider: User) -> None:
    client.force_login(outsider)

    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/documents/1/", "/progress/"])
def test_pages_are_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_a_strict_content_security_policy_covers_the_pages(client: Client, make_document: Make) -> None:
    document = make_document(body="<b>bread</b>")

    for path in ("/", f"/documents/{document.pk}/"):
        page = client.get(path)
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert " onclick=" not in page.text
        assert "<script>" not in page.text
