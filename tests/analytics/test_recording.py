"""The log of searches: what it keeps, what it leaves out, and that nobody waits for it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import OperationalError, connection
from django.utils import timezone

from search import query_service
from search.analytics import recording
from search.analytics.recording import UnknownSearch, masked, react, record
from search.datatypes import SearchResponse
from search.models import Document, IndexVersion, SearchLog, SearchReaction
from tests.conftest import MakeDocument

NOBODY = AnonymousUser()


@pytest.fixture(autouse=True)
def log(settings: Any, data_dir: object) -> Iterator[None]:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    yield
    recording._waiting.clear()


@pytest.fixture
def response(live: IndexVersion, settings: Any) -> SearchResponse:
    """The answer to "words", unlogged."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": False}
    answer = query_service.search("words")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    return answer


def test_a_search_is_kept_with_what_it_showed(live: IndexVersion, response: SearchResponse) -> None:
    query_id = record(response, version=live, source="page")

    [logged] = SearchLog.objects.all()
    assert query_id == recording.signed(logged.key)  # type: ignore[arg-type]
    assert (logged.text, logged.mode, logged.total, logged.source) == ("words", "hybrid", 1, "page")
    assert logged.index_version == live.number
    assert [pair[0] for pair in logged.shown] == [Document.objects.get().pk]


def test_without_the_setting_nothing_is_kept(live: IndexVersion, response: SearchResponse, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": False}

    assert record(response, version=live) == ""
    assert not SearchLog.objects.exists()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail from anna.smith+x@example.co.uk today", "mail from [e-mail] today"),
        ("call +49 (30) 1234-5678", "call [number]"),
        ("card 4111 1111 1111 1111 refused", "card [number] refused"),
        ("ERR_CONN_42 in 2024", "ERR_CONN_42 in 2024"),
        ("doi 10.1000/xyz123456789", "doi 10.1000/xyz123456789"),
        ("code 0x80070005", "code 0x80070005"),
        ("@mention me", "@mention me"),
    ],
)
def test_personal_data_is_masked(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_masking_can_be_switched_off(live: IndexVersion, response: SearchResponse, settings: Any) -> None:
    record(replace(response, query="a@example.org"), version=live)
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES_MASK": False}
    record(replace(response, query="b@example.org"), version=live)

    assert sorted(SearchLog.objects.values_list("text", flat=True)) == ["[e-mail]", "b@example.org"]


def test_a_query_being_typed_is_one_search(live: IndexVersion, response: SearchResponse) -> None:
    first = record(replace(response, query="wor"), version=live)
    second = record(replace(response, query="words"), version=live, after=first)

    [logged] = SearchLog.objects.all()
    assert logged.text == "words"
    assert logged.key == recording._key_of(second) == recording._key_of(first)


def test_other_words_are_a_search_of_their_own_that_follows(live: IndexVersion, response: SearchResponse) -> None:
    first = record(response, version=live)
    record(replace(response, query="other"), version=live, after=first)

    later, earlier = SearchLog.objects.all()
    assert (earlier.text, earlier.followed_by, later.followed_by) == ("words", later, None)


def test_what_was_typed_long_ago_or_opened_is_not_replaced(live: IndexVersion, response: SearchResponse) -> None:
    first = record(response, version=live)
    SearchLog.objects.update(at=timezone.now() - timedelta(minutes=5))
    second = record(replace(response, query="words more"), version=live, after=first)
    react(second, Document.objects.get().pk, "click", user=NOBODY)
    record(replace(response, query="words more and more"), version=live, after=second)

    assert SearchLog.objects.count() == 3


def test_what_was_opened_is_kept_once_with_its_rank(live: IndexVersion, response: SearchResponse) -> None:
    query_id = record(response, version=live)
    document = Document.objects.get()

    assert react(query_id, document.pk, "click", user=NOBODY)
    assert not react(query_id, document.pk, "click", user=NOBODY)

    [reaction] = SearchReaction.objects.all()
    assert (reaction.kind, reaction.rank, reaction.search.text) == ("click", 1, "words")


def test_the_last_thumb_counts(live: IndexVersion, response: SearchResponse) -> None:
    query_id = record(response, version=live)
    document = Document.objects.get()

    for kind in ("click", "up", "down"):
        react(query_id, document.pk, kind, user=NOBODY)

    assert sorted(SearchReaction.objects.values_list("kind", flat=True)) == ["click", "down"]


def test_ids_that_are_made_up_or_too_old_name_no_search(
    live: IndexVersion, response: SearchResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id = record(response, version=live)
    key = SearchLog.objects.get().key
    document = Document.objects.get()
    assert key is not None
    made_up = ["", "x", key.hex, query_id[:-1] + "x", signing.TimestampSigner(salt="other").sign(key.hex)]
    monkeypatch.setattr(recording, "VALID_SECONDS", -1.0)

    for each in [*made_up, query_id]:
        with pytest.raises(UnknownSearch):
            react(each, document.pk, "click", user=NOBODY)


def test_nobody_reacts_to_what_they_may_not_see(
    live: IndexVersion, response: SearchResponse, make_document: MakeDocument
) -> None:
    query_id = record(response, version=live)
    hidden = make_document(visibility="staff")

    for pk in (hidden.pk, 10**12):
        with pytest.raises(Document.DoesNotExist):
            react(query_id, pk, "up", user=NOBODY)

    assert not SearchReaction.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite has one writer for everybody.")
def test_while_somebody_else_writes_a_search_does_not_wait_and_is_kept_later(
    live: IndexVersion, response: SearchResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(recording, "_flush_soon", lambda: begun.append("soon"))

    def locked(*args: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "_write", locked)
        query_id = record(response, version=live)
    assert (begun, SearchLog.objects.count()) == (["soon"], 0)

    assert react(query_id, Document.objects.get().pk, "click", user=NOBODY)
    assert SearchLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_written_by_a_thread_once_the_database_is_free(
    live: IndexVersion, response: SearchResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_PAUSE_SECONDS", 0.05)
    outcomes: list[str] = []

    def busy_twice() -> None:
        outcomes.append("busy" if len(outcomes) < 2 else "written")
        if outcomes[-1] == "busy":
            raise OperationalError("database is locked")

    recording._waiting.append(busy_twice)
    recording.flush(patient=False)
    for thread in list(recording._rescuers):
        thread.join(timeout=20)

    assert outcomes == ["busy", "busy", "written"]
    assert not recording._waiting and not recording._rescuers


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite has one writer for everybody.")
def test_on_sqlite_the_patience_is_given_back_after_writing(live: IndexVersion, response: SearchResponse) -> None:
    def patience() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            return int(cursor.fetchone()[0])

    before, within = patience(), []
    recording._waiting.append(lambda: within.append(patience()))

    record(response, version=live)

    assert (within, patience()) == ([0], before)
    assert before > 0
