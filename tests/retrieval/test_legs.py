"""Each leg's candidates, and the exact scores of what only the other leg found."""

from pathlib import Path

import numpy as np
import pytest

from search.engines.exact_engine import ExactReader
from search.lexical.tantivy_index import LexicalEntry, LexicalReader, LexicalWriter, open_publication
from search.retrieval.legs import Candidates, add_bm25, add_cosines, dense_candidates, lexical_candidates

QUERY = np.array([1, 0], np.float32)


@pytest.fixture
def dense() -> ExactReader:
    """Three vectors at cosines 1, 0.6 and -1 to the query."""
    return ExactReader(1, 2, np.array([1, 2, 3]), np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32))


@pytest.fixture
def lexical(tmp_path: Path) -> LexicalReader:
    """Three chunks, two of which have the word."""
    entries = [LexicalEntry(1, "", "bread"), LexicalEntry(2, "", "thread"), LexicalEntry(3, "", "thread thread")]
    made = LexicalWriter(tmp_path).apply(generation=1, removed=(), added=entries, last=None)
    return open_publication(tmp_path, made)


def test_dense_candidates_have_cosines(dense: ExactReader) -> None:
    found = dense_candidates(dense, QUERY, 10)

    assert found.scores == pytest.approx({1: 1.0, 2: 0.6, 3: -1.0}, abs=1e-6)
    assert found.exhausted


def test_a_leg_that_filled_its_limit_may_have_more(dense: ExactReader, lexical: LexicalReader) -> None:
    nearest, by_words = dense_candidates(dense, QUERY, 2), lexical_candidates(lexical, lexical.query_of("thread"), 1)

    assert (list(nearest.scores), nearest.exhausted) == ([1, 2], False)
    assert (list(by_words.scores), by_words.exhausted) == ([3], False)


def test_lexical_candidates_are_all_chunks_with_a_word(lexical: LexicalReader) -> None:
    found = lexical_candidates(lexical, lexical.query_of("thread"), 10)

    assert (found.ranking(), found.exhausted) == ([3, 2], True)


def test_cosines_are_added_for_what_words_found_and_the_index_holds(dense: ExactReader) -> None:
    candidates = Candidates({1: 1.0})

    add_cosines(candidates, dense, QUERY, [1, 2, 99])

    assert candidates.scores == pytest.approx({1: 1.0, 2: 0.6}, abs=1e-6)


def test_bm25_is_added_for_what_meaning_found_and_has_a_word(lexical: LexicalReader) -> None:
    candidates = Candidates({3: 1.5})
    full = lexical_candidates(lexical, lexical.query_of("thread"), 10).scores

    add_bm25(candidates, lexical, lexical.query_of("thread"), [1, 2, 3])

    assert candidates.scores == pytest.approx({2: full[2], 3: 1.5}, abs=1e-5)


def test_a_ranking_is_by_score_and_then_by_id() -> None:
    assert Candidates({5: 0.1, 4: 0.9, 3: 0.1}).ranking() == [4, 3, 5]
