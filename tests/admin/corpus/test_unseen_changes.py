"""Two curators with the same document open: the second save overwrites nothing unseen."""

import html
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from search.models import Document
from tests.admin import hostile
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def _url(document: Document) -> str:
    return reverse("admin:search_document_change", args=[document.pk])


def _opened(client: Client, document: Document) -> dict[str, Any]:
    """Return what the form holds that a curator opened."""
    page = client.get(_url(document)).content.decode()
    seen = re.search(r'<input type="hidden" name="seen" value="([0-9a-f]{16})"', page)
    assert seen is not None
    names = ("external_id", "title", "body", "url", "language", "state", "visibility")
    values = {name: getattr(document, name) for name in names}
    return {
        **values,
        "initial-external_id": document.external_id,
        "collection": document.collection_id,
        "metadata": "{}",
        "seen": seen[1],
    }


@pytest.fixture
def document(make_document: MakeDocument) -> Document:
    return make_document(title="Leave", body="You have 25 days.")


def test_the_second_save_is_told_who_changed_what_and_keeps_what_was_typed(
    admin_client: Client, sign_in: SignIn, document: Document
) -> None:
    other = sign_in("change_document")
    mine, theirs = _opened(admin_client, document), _opened(other, document)
    other.post(_url(document), {**theirs, "body": "You have 30 days."})

    answer = admin_client.post(_url(document), {**mine, "title": "Annual leave"})

    page = html.unescape(answer.content.decode())
    document.refresh_from_db()
    assert (document.title, document.body) == ("Leave", "You have 30 days.")
    assert "staff0 saved it" in page or "staff1 saved it" in page
    assert "<del>30</del><ins>25</ins>" in page
    assert 'value="Annual leave"' in page


def test_who_was_told_may_overwrite_what_they_were_shown_and_nothing_newer(
    admin_client: Client, document: Document
) -> None:
    mine = {**_opened(admin_client, document), "title": "Annual leave"}
    Document.objects.filter(pk=document.pk).update(body="By an import.")
    told = admin_client.post(_url(document), mine).content.decode()
    shown = re.search(r'name="overwrite" value="([0-9a-f]{16})"', told)
    assert shown is not None
    assert "An import, a command, the API" in told
    knowingly = {**mine, "overwrite": shown[1]}
    Document.objects.filter(pk=document.pk).update(body="By a second import.")

    assert admin_client.post(_url(document), knowingly).status_code == 200
    told_again = admin_client.post(_url(document), mine).content.decode()
    again = re.search(r'name="overwrite" value="([0-9a-f]{16})"', told_again)
    assert again is not None
    saved = admin_client.post(_url(document), {**mine, "overwrite": again[1]})

    document.refresh_from_db()
    assert saved.status_code == 302
    assert (document.title, document.body) == ("Annual leave", "You have 25 days.")


def test_a_change_of_groups_alone_is_a_change(admin_client: Client, document: Document) -> None:
    mine = _opened(admin_client, document)
    document.groups.create(name="Board")

    answer = admin_client.post(_url(document), mine)

    assert "<del>Board</del>" in answer.content.decode()


def test_a_save_that_nobody_came_before_is_saved_and_logs_only_what_was_changed(
    admin_client: Client, document: Document
) -> None:
    answer = admin_client.post(_url(document), {**_opened(admin_client, document), "title": "Annual leave"})

    assert answer.status_code == 302
    assert LogEntry.objects.get().get_change_message() == "Changed Title."


def test_hostile_text_is_escaped_where_two_states_are_compared(admin_client: Client, document: Document) -> None:
    mine = _opened(admin_client, document)
    Document.objects.filter(pk=document.pk).update(title=hostile.TEXT, body=hostile.TEXT)

    page = admin_client.post(_url(document), {**mine, "title": ""}).content.decode()

    assert hostile.SCRIPT not in page
    assert f"<del>{hostile.ESCAPED}" in page
