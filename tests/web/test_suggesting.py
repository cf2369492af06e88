"""The list below the search field."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_offers_titles_escaped_and_nothing_where_nothing_is(
    client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    assert b"option" not in client.get("/suggest/", {"q": "le"}).content
    make_document(title='Leave "& <b>')
    indexed()
    page = client.get("/suggest/", {"q": "le"})
    assert page.status_code == 200
    assert b'value="Leave &quot;&amp; &lt;b&gt;"' in page.content
    assert b"option" not in client.get("/suggest/", {"q": "zebra"}).content
    assert b"option" not in client.get("/suggest/", {"q": "le", "collection": "none"}).content
