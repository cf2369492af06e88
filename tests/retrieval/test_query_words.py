"""The words of a text that a query finds are the same ones, however little of the text is looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.lexical.analysis import forms, pieces
from search.lexical.lexical_query import Alternative, LexicalQuery, QueryWord
from search.retrieval.query_words import QueryWords, marked_terms


def english(text: str) -> list[str]:
    """Return the terms of a text in English."""
    return [form for piece in pieces(text) for form in forms(piece.surface, "en")]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("die", "dying"),
        ("sky", "Skies"),
        ("happy", "HAPPINESS"),
        ("tube", "YouTube"),
        ("pool", "thread_pool_size"),
        ("creme", "Crème"),
        ("iso9001", "ISO-9001"),
        ("cafe", "cafés"),
        ("go", "going"),
    ],
)
def test_a_word_is_found_however_it_is_written(query: str, text: str) -> None:
    assert QueryWords(english(query), english).terms_in(f"Of {text} they speak.")


_WORDS = st.sampled_from(
    ["die", "dying", "lie", "lying", "tie", "skies", "skis", "idly", "gently", "early", "only", "news", "communal",
     "Running", "runs", "universal", "threads'", "don't", "x2", "ERR_CONN_42", "Ågren", "straße", "猫", "東京タワー"]
)  # fmt: skip


@given(query=st.lists(_WORDS, max_size=4), text=st.lists(_WORDS, max_size=12))
def test_looking_at_few_words_finds_the_same_terms_as_looking_at_all(query: list[str], text: list[str]) -> None:
    terms = set(english(" ".join(query)))

    assert QueryWords(terms, english).terms_in(" ".join(text)) == terms & set(english(" ".join(text)))


def corrected(written: str, *read: str) -> LexicalQuery:
    """Return a query for a word that the index does not have, and for what may have been meant."""
    alternatives = [Alternative(((0, term),)) for term in english(written)[:1]]
    alternatives += [Alternative(((0, term),), 0.6) for each in read for term in english(each)[:1]]
    return LexicalQuery((QueryWord(written, tuple(alternatives)),), corrected={written: read[0]})


def test_of_what_was_read_for_a_mistyped_word_the_likeliest_is_marked() -> None:
    assert marked_terms(corrected("refnd", "refund", "reared"), english) == ("refnd", "refund")


def test_what_was_read_for_a_short_word_is_not_marked() -> None:
    assert marked_terms(corrected("rome", "role", "some"), english) == ("rome",)
