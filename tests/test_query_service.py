"""Searching from end to end in one process: who may find what, what is refused, and what is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from search import query_service
from search.datatypes import SearchResponse
from search.indexing import requests
from search.models import Collection, Document, IndexVersion, SearchLog
from search.query_service import InvalidQuery, NotReady, UnknownCollection, search
from tests.conftest import MakeDocument

Indexed = Callable[[], int]


def titles(response: SearchResponse) -> list[str]:
    """Return the titles found, best first."""
    return [result.title for result in response.results]


# --- What comes back


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_the_best_document_comes_first_in_every_mode(make_document: MakeDocument, indexed: Indexed, mode: str) -> None:
    make_document(title="Threads", body="Wait until several threads have finished.")
    make_document(title="Bread", body="Knead flour, water and salt.")
    indexed()

    response = search("wait for several threads", mode=mode)

    assert titles(response)[0] == "Threads"
    assert (response.mode, response.collection, response.index_version, response.degraded) == (mode, "docs", 1, ())


def test_a_result_says_all_about_its_document(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(
        title="Threads", body="Wait until several threads have finished.", external_id="t-1", url="https://x.org/t",
        metadata={"module": "threading"},
    )  # fmt: skip
    indexed()

    (result,) = search("threads").results

    assert (result.rank, result.document_id, result.external_id) == (1, document.pk, "t-1")
    assert (result.title, result.url, result.metadata) == ("Threads", "https://x.org/t", {"module": "threading"})
    assert document.body[result.chunk_start : result.chunk_end] == document.body
    assert result.dense_score is not None and 0 < result.dense_score <= 1
    assert result.lexical_score is not None and result.lexical_score > 0
    assert [piece for piece, match in result.snippet.pieces if match] == ["threads"]


def test_dense_search_has_no_lexical_scores_and_lexical_search_no_dense_ones(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="Threads", body="Wait for threads.")
    indexed()

    (dense,), (lexical,) = search("threads", mode="dense").results, search("threads", mode="lexical").results

    assert (dense.lexical_score, lexical.dense_score) == (None, None)


def test_lexical_search_finds_only_what_has_one_of_the_words(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Threads", body="Wait for threads.")
    make_document(title="Bread", body="Knead flour.")
    indexed()

    response = search("threads", mode="lexical")

    assert (titles(response), response.total, response.total_relation) == (["Threads"], 1, "eq")


def test_a_document_with_many_chunks_is_found_once_by_its_best(make_document: MakeDocument, indexed: Indexed) -> None:
    filler = "nothing of interest happens in this sentence either. " * 12
    make_document(title="", body=f"{filler}\n\nThe zebra crosses the road.\n\n{filler}")
    indexed()

    response = search("zebra crosses road")

    assert (len(response.results), response.total) == (1, 1)
    assert "zebra crosses the road" in response.results[0].snippet.text


def test_a_document_that_has_only_a_title_is_found(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Zebra crossing", body="")
    indexed()

    (result,) = search("zebra").results

    assert (result.title, result.snippet.text, result.chunk_start, result.chunk_end) == ("Zebra crossing", "", 0, 0)


def test_ranks_and_scores_descend_together(make_document: MakeDocument, indexed: Indexed) -> None:
    for number in range(20):
        make_document(title=f"Document {number}", body="thread " * (number + 1) + "other words " * (20 - number))
    indexed()

    results = search("thread", k=20).results

    assert [result.rank for result in results] == list(range(1, 21))
    assert [result.score for result in results] == sorted((result.score for result in results), reverse=True)


def test_what_only_words_find_has_its_exact_cosine_too(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    """Two hundred nearer documents fill the dense candidates."""
    _rank_by(collection, dense_weight=0)
    Document.objects.bulk_create(
        Document(collection=collection, title="", body=f"alpha beta gamma delta {number}") for number in range(300)
    )
    make_document(title="", body="zeta " + " ".join(f"other{number}" for number in range(15)), external_id="far")
    indexed()

    far, *others = search("alpha beta gamma delta zeta zeta", k=100).results

    assert (far.external_id, len(others)) == ("far", 99)
    assert far.dense_score is not None
    assert far.dense_score < min(result.dense_score or 0 for result in others)


def test_what_only_meaning_finds_has_its_exact_bm25_too(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    """Two hundred documents that say the words often, and in their titles too, fill the lexical candidates."""
    _rank_by(collection, dense_weight=1)
    Document.objects.bulk_create(
        Document(collection=collection, title="alpha beta", body=f"alpha beta alpha beta alpha beta x{number}")
        for number in range(300)
    )
    make_document(title="", body="alpha beta", external_id="near")
    indexed()

    near, *others = search("alpha beta", k=100).results

    assert near.external_id == "near"
    assert near.dense_score == pytest.approx(1, abs=1e-5)
    assert near.lexical_score is not None
    assert 0 < near.lexical_score < min(result.lexical_score or 0 for result in others)


def _rank_by(collection: Collection, **options: float) -> None:
    collection.retrieval = options
    collection.save()


@pytest.mark.parametrize("fusion", ["standardised", "convex", "rrf"])
def test_the_collection_says_how_to_fuse(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, fusion: str
) -> None:
    collection.retrieval = {"fusion": fusion}
    collection.save()
    make_document(title="Threads", body="Wait for threads.")
    make_document(title="Bread", body="Knead flour.")
    indexed()

    best = search("threads").results[0]

    # Best in both legs is all that can be had; rrf: first of both rankings.
    assert best.score == pytest.approx(2 / 61 if fusion == "rrf" else 1.0)


@pytest.mark.parametrize("engine", ["exact", "faiss"])
def test_every_engine_finds_adds_and_forgets(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, engine: str
) -> None:
    collection.engine = engine
    collection.save()
    gone = make_document(title="Threads", body="Wait for threads.")
    make_document(title="Bread", body="Knead flour.")
    indexed()
    assert titles(search("threads", mode="dense")) == ["Threads", "Bread"]

    gone.delete()
    make_document(title="Locks", body="A lock for threads.")
    indexed()

    response = search("threads", mode="dense")
    assert (titles(response), response.degraded) == (["Locks", "Bread"], ())


def test_timings_add_up(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document()
    indexed()

    took = search("words").took_ms

    parts = took.parse + took.encode + took.dense + took.lexical + took.fuse + took.fetch
    assert 0 < parts <= took.total


def test_a_collection_without_documents_answers_with_nothing(collection: Collection, indexed: Indexed) -> None:
    indexed()

    response = search("anything")

    assert (response.results, response.total, response.total_relation, response.degraded) == ((), 0, "eq", ())
    assert not response.good_match


def test_waiting_documents_are_counted(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Threads")
    indexed()
    make_document(title="Not yet")

    response = search("threads")

    assert (response.pending_documents, titles(response)) == (1, ["Threads"])


# --- A good match


def test_a_near_document_is_a_good_match(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Threads", body="Wait until several threads have finished.")
    indexed()

    assert search("wait until threads have finished").good_match


def test_a_far_document_without_the_words_is_none(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Threads", body="Wait until several threads have finished.")
    indexed()

    response = search("zebra crossing")

    assert len(response.results) == 1
    assert not response.good_match


def test_an_exact_rare_word_is_a_good_match_however_far_its_text(make_document: MakeDocument, indexed: Indexed) -> None:
    usual = " ".join(f"term{number}" for number in range(25))
    make_document(title="", body=f"E1337 {usual}")
    for number in range(10):
        make_document(title="", body=f"other{number} {usual} words")
    indexed()

    response = search("E1337")

    assert response.results[0].dense_score is not None and response.results[0].dense_score < 0.3
    assert response.good_match


# --- Who may find what


@pytest.fixture
def one_of_each(make_document: MakeDocument, indexed: Indexed) -> Group:
    """Documents of each visibility and state; returns the group that may find the group's document."""
    group = Group.objects.create(name="members")
    make_document(title="public", body="secret words")
    make_document(title="staff", body="secret words", visibility=Document.Visibility.STAFF)
    make_document(title="group", body="secret words", visibility=Document.Visibility.GROUPS).groups.add(group)
    make_document(title="draft", body="secret words", state=Document.State.DRAFT)
    make_document(title="archived", body="secret words", state=Document.State.ARCHIVED)
    indexed()
    return group


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("nobody", {"public"}),
        ("anonymous", {"public"}),
        ("outsider", {"public"}),
        ("member", {"public", "group"}),
        ("curator", {"public", "staff"}),
        ("superuser", {"public", "staff", "group"}),
    ],
)
def test_everybody_finds_what_they_may_see_and_no_more(
    one_of_each: Group, who: str, expected: set[str], mode: str
) -> None:
    response = search("secret words", user=_person(who, one_of_each), mode=mode)

    assert set(titles(response)) == expected
    assert response.total == len(expected)


def _person(who: str, group: Group) -> Any:
    if who == "nobody":
        return None
    if who == "anonymous":
        return AnonymousUser()
    user = User.objects.create_user(who, is_staff=who == "curator", is_superuser=who == "superuser")
    if who == "member":
        user.groups.add(group)
    return user


@pytest.mark.parametrize(
    "change",
    [
        {"state": Document.State.DRAFT},
        {"state": Document.State.ARCHIVED},
        {"visibility": Document.Visibility.STAFF},
        {"visibility": Document.Visibility.GROUPS},
    ],
)
def test_what_is_hidden_is_gone_at_the_next_query_though_the_index_still_has_it(
    make_document: MakeDocument, indexed: Indexed, change: dict[str, str]
) -> None:
    document = make_document(title="Threads")
    indexed()
    assert titles(search("threads")) == ["Threads"]

    Document.objects.filter(pk=document.pk).update(**change)

    response = search("threads")
    assert (titles(response), response.total) == ([], 0)


def test_what_is_deleted_by_plain_sql_is_gone_at_the_next_query(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(title="Threads")
    indexed()

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_document WHERE id = %s", [document.pk])

    assert search("threads").results == ()


def test_a_document_moved_to_another_collection_is_not_found_in_the_old_one(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document(title="Threads")
    indexed()

    Document.objects.filter(pk=document.pk).update(collection=Collection.objects.create(slug="other", name="Other"))

    assert search("threads", collection="docs").results == ()


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_few_visible_documents_are_found_behind_many_nearer_ones(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, mode: str
) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, title="staff", body=f"secret words {number}", visibility="staff")
        for number in range(400)
    )
    for number in range(3):
        make_document(title="public", body=f"secret among entirely different other things, number {number}")
    indexed()

    response = search("secret words", k=3, mode=mode)

    assert titles(response) == ["public"] * 3
    assert response.total == 3


def test_a_total_is_a_lower_bound_while_there_are_more_candidates(collection: Collection, indexed: Indexed) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, title="t", body=f"secret words {number}") for number in range(250)
    )
    indexed()

    response = search("secret words", k=3)

    assert (len(response.results), response.total_relation) == (3, "gte")
    assert 3 <= response.total <= 250


def test_the_number_of_database_queries_does_not_depend_on_k(collection: Collection, indexed: Indexed) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, title="t", body=f"secret words {number}") for number in range(120)
    )
    indexed()
    search("secret words")

    counts = []
    for k in (1, 100):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(search("secret words", k=k).results) == k
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 9


# --- Edits that are not applied yet


def test_an_old_text_is_in_no_snippet_after_an_edit_that_is_not_applied(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document(title="Plans", body="The old password is swordfish. " + "More text follows here. " * 20)
    indexed()
    document.body = "Entirely new words."
    document.save()

    response = search("swordfish password")

    assert [result.snippet.text for result in response.results] == ["Entirely new words."]


def test_words_that_an_edit_has_moved_are_shown_where_they_are_now(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    filler = "Nothing of interest happens in this sentence either. " * 30
    document = make_document(title="", body=f"{filler}\n\nThe zebra crosses the road.")
    indexed()
    document.body = f"The zebra crosses the road.\n\n{filler}"
    document.save()

    (result,) = search("zebra road").results

    assert [piece for piece, match in result.snippet.pieces if match] == ["zebra", "road"]


def test_an_edit_that_is_applied_is_found_by_its_new_text_only(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(title="Plans", body="The old password is swordfish.")
    indexed()
    document.body = "Entirely new words."
    document.save()
    indexed()

    assert search("swordfish", mode="lexical").results == ()
    assert titles(search("entirely new", mode="lexical")) == ["Plans"]


# --- What is refused


@pytest.mark.parametrize(
    ("query", "arguments", "field"),
    [
        ("", {}, "q"),
        (" \n\t ", {}, "q"),
        ("\x00\x00", {}, "q"),
        ("x" * 2_001, {}, "q"),
        ("x" * 10_000, {}, "q"),
        ("x", {"k": 0}, "k"),
        ("x", {"k": -1}, "k"),
        ("x", {"k": 101}, "k"),
        ("x", {"k": 10**9}, "k"),
        ("x", {"mode": "fuzzy"}, "mode"),
        ("x", {"mode": ""}, "mode"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_the_name_of_its_field(
    collection: Collection, query: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidQuery) as caught:
        search(query, **arguments)

    assert caught.value.field == field
    assert str(caught.value)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize(
    "query", ["x" * 2_000, "a\x00b", "\ud800", "👩‍👩‍👧‍👦", '"(', "!!!", "a AND NOT", "%s %(x)s {} \\"]
)
def test_strange_queries_have_clean_answers(
    make_document: MakeDocument, indexed: Indexed, query: str, mode: str
) -> None:
    make_document()
    indexed()

    response = search(query, mode=mode)

    assert response.degraded == ()
    assert "\x00" not in response.query
    response.query.encode()


@pytest.mark.parametrize("slug", ["nothing", "docs\x00", "\ud800", "x" * 10_000, "docs' OR 1=1"])
def test_an_unknown_collection_is_unknown(make_document: MakeDocument, indexed: Indexed, slug: str) -> None:
    make_document()
    indexed()

    with pytest.raises(UnknownCollection):
        search("x", collection=slug)


def test_without_any_collection_a_search_is_not_ready(db: None) -> None:
    with pytest.raises(NotReady) as caught:
        search("x")

    assert caught.value.retry_after_seconds > 0


@pytest.mark.parametrize("slug", ["", "docs"])
def test_a_collection_without_a_version_is_not_ready(collection: Collection, slug: str) -> None:
    with pytest.raises(NotReady) as caught:
        search("x", collection=slug)

    assert caught.value.retry_after_seconds > 0


def test_a_collection_whose_last_document_is_leaving_is_empty_and_not_in_its_beginning(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document(title="Threads")
    indexed()
    document.delete()
    # The applier commits the removal first and takes the pending row away after the lexical index has followed.
    IndexVersion.objects.update(documents=0)

    response = search("threads")

    assert (response.results, response.pending_documents) == ((), 0)


# --- Which collection and which version


def test_the_oldest_collection_is_searched_when_none_is_named(collection: Collection, db: None) -> None:
    Collection.objects.create(slug="another", name="A later one")

    assert query_service.default_collection() == collection


def test_the_setting_names_the_default_collection(collection: Collection, settings: Any) -> None:
    later = Collection.objects.create(slug="later", name="Later")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DEFAULT_COLLECTION": "later"}

    assert query_service.default_collection() == later


def test_a_rebuilt_version_takes_over_at_the_next_query(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="Threads")
    indexed()
    first = search("threads")
    requests.request_rebuild(collection)

    indexed()

    second = search("threads")
    assert (first.index_version, second.index_version) == (1, 2)
    assert titles(second) == ["Threads"]
    assert [version.state for version in IndexVersion.objects.order_by("number")] == ["retired", "active"]


def test_words_that_every_text_has_are_not_marked_in_a_large_corpus(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    Document.objects.bulk_create(
        [Document(collection=collection, external_id=str(n), body=f"the usual words {n}") for n in range(1_000)]
    )
    make_document(title="", body="the penguin of the south")
    indexed()
    snippet = search("the penguin", mode="lexical", k=1).results[0].snippet
    assert [snippet.text[start:end] for start, end in snippet.highlights] == ["penguin"]
    usual = search("the", mode="lexical", k=1).results[0].snippet
    assert [usual.text[start:end] for start, end in usual.highlights][:1] == ["the"]


# --- The log of searches


def test_a_search_is_not_logged_unless_the_setting_says_so(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Threads")
    indexed()

    search("threads")

    assert not SearchLog.objects.exists()


def test_a_logged_search_keeps_what_was_asked_and_what_came_of_it(
    make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    make_document(title="Threads")
    indexed()

    search(" threads ", mode="lexical")

    [logged] = SearchLog.objects.all()
    assert (logged.text, logged.mode, logged.total, logged.collection.slug) == ("threads", "lexical", 1, "docs")
    assert logged.took_ms > 0


def test_a_log_that_cannot_be_written_does_not_spoil_the_answer(
    make_document: MakeDocument, indexed: Indexed, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    make_document(title="Threads")
    indexed()

    def refuse(**values: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(SearchLog.objects, "create", refuse)

    assert search("threads", mode="lexical").total == 1
