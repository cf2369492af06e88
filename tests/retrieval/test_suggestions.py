"""Suggestions come from what their asker may see, and from past queries that led there."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from search.models import Collection, Document, IndexVersion, SearchLog, SearchReaction
from search.retrieval import suggestions as module
from search.retrieval.suggestions import suggestions
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


@pytest.fixture
def titled(make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """Titles about travel, of which one is for the staff and one a draft."""
    make_document(external_id="a", title="Travel expenses")
    make_document(external_id="b", title="How to book travel")
    make_document(external_id="c", title="Travel budget of the board", body="Layoffs.", visibility="staff")
    make_document(external_id="d", title="Travel plans", state="draft")
    make_document(external_id="e", title="Canteen", body="Not about travel insurance, but gossip and board secrets.")
    indexed()
    return IndexVersion.objects.get()


def texts(version: IndexVersion, typed: str, user: User | None = None, k: int = 8) -> list[str]:
    return [each.text for each in suggestions(version, typed, user=user, k=k)]


def asked(collection: Collection, text: str, document: Document, times: int = 3) -> SearchLog:
    """Log a query some times, with this document as its first result; return the last of them."""
    for _ in range(times):
        row = SearchLog.objects.create(
            collection=collection, text=text, mode="hybrid", total=1, good_match=True, shown=[[document.pk, 0.9]],
            took_ms=1.0,
        )  # fmt: skip
    return row


@pytest.mark.parametrize("most_read", [20_000, 0])
def test_titles_that_begin_so_come_before_those_with_such_a_word(
    titled: IndexVersion, monkeypatch: pytest.MonkeyPatch, most_read: int
) -> None:
    monkeypatch.setattr(module, "_TITLES_READ", most_read)
    assert texts(titled, "tra") == ["Travel expenses", "How to book travel"]
    assert texts(titled, "travel exp") == ["Travel expenses"]
    assert texts(titled, "tra", k=1) == ["Travel expenses"]
    assert texts(titled, "zebra") == texts(titled, "") == texts(titled, ' -"*% ') == []


def test_titles_are_for_those_who_may_see_the_document_now(titled: IndexVersion) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    assert "Travel budget of the board" in texts(titled, "travel b", staff)
    assert texts(titled, "travel b") == ["How to book travel"]
    Document.objects.filter(external_id="a").update(state="archived")
    assert texts(titled, "travel e") == []


def test_a_past_query_is_offered_when_it_was_asked_often_and_found_something(titled: IndexVersion) -> None:
    document = Document.objects.get(external_id="e")
    asked(titled.collection, "travel insurance", document)
    asked(titled.collection, "travel gossip", document, times=2)
    SearchLog.objects.filter(text="travel gossip").update(good_match=True)
    assert texts(titled, "travel i") == ["travel insurance"]
    assert texts(titled, "insur") == ["travel insurance"]
    assert texts(titled, "travel g") == []
    SearchLog.objects.filter(text="travel insurance").update(good_match=False)
    assert texts(titled, "travel i") == []


def test_a_past_query_does_not_tell_of_a_hidden_document(titled: IndexVersion) -> None:
    hidden, public = Document.objects.get(external_id="c"), Document.objects.get(external_id="a")
    asked(titled.collection, "layoffs of the board", hidden)
    opened = asked(titled.collection, "board secrets", public)
    assert texts(titled, "board") == ["board secrets"]
    SearchReaction.objects.create(search=opened, kind="click", document_id=hidden.pk, rank=1)
    assert texts(titled, "board") == []
    staff = User.objects.create_user("staff", is_staff=True)
    assert {"board secrets", "layoffs of the board"} <= set(texts(titled, "board", staff))


def test_a_past_query_is_offered_only_in_words_that_the_asker_may_read(titled: IndexVersion) -> None:
    public = Document.objects.get(external_id="a")
    asked(titled.collection, "travel hunter2", public, times=9)
    asked(titled.collection, "travel layoffs", public, times=9)
    asked(titled.collection, "what is travel insurance", public)
    assert texts(titled, "travel") == ["Travel expenses", "How to book travel", "what is travel insurance"]
    staff = User.objects.create_user("staff", is_staff=True)
    assert "travel layoffs" in texts(titled, "travel", staff)
    assert "travel hunter2" not in texts(titled, "travel", staff)
