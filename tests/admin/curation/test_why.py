"""The page that says what a search made of a document, for those who may read the log and the documents."""

from collections.abc import Callable

import pytest
from django.test import Client

from search.admin.curation.why import TO_DO
from search.retrieval.explanations import Stage
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

WHY = "/admin/search/searchlog/why/"


@pytest.fixture
def fax(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    """A document that visitors find, and one that they may not."""
    make_document(external_id="fax", title="Fax", body="Sending a fax.")
    make_document(external_id="plan", title="<b>Plan</b>", body="A secret fax.", visibility="staff")
    indexed()


def test_what_is_found_and_what_is_lost_is_told_in_words(admin_client: Client, fax: None) -> None:
    asked = {"collection": "docs", "q": "fax"}
    shown = admin_client.get(WHY, {**asked, "document": "fax"})
    assert shown.context["found"].stage is Stage.SHOWN
    assert "It is shown at place 1." in shown.content.decode() and "By words" in shown.content.decode()
    lost = admin_client.get(WHY, {**asked, "document": "plan"}).content.decode()
    assert "Who asks may not see it" in lost and "Publish it, or change who may see it" in lost
    assert "&lt;b&gt;Plan" in lost and "<b>Plan" not in lost


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"collection": "docs", "q": "fax", "document": "none"}, "no document with this external id"),
        ({"collection": "none", "q": "fax", "document": "fax"}, "no such collection"),
        ({"collection": "docs", "q": "fax created:soon", "document": "fax"}, "soon"),
    ],
)
def test_what_cannot_be_explained_is_said(admin_client: Client, fax: None, asked: dict[str, str], said: str) -> None:
    assert said in admin_client.get(WHY, asked).content.decode()


def test_only_who_may_read_the_log_and_the_documents_asks(sign_in: SignIn, fax: None) -> None:
    assert sign_in("view_searchlog").get(WHY).status_code == 403
    assert sign_in("view_document").get(WHY).status_code == 403
    assert sign_in("view_searchlog", "view_document").get(WHY).status_code == 200


def test_there_is_something_to_do_at_every_stage() -> None:
    assert set(TO_DO) == set(Stage)
