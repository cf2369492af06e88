"""Words that follow each other in a query count more where they do so in a text."""

from pathlib import Path

import pytest

from search.lexical.lexical_query import QueryWord
from search.lexical.neighbours import neighbours
from search.retrieval.query_language import parse
from tests.lexical.indexed import found, indexed

APART = {
    1: "The transfer of money needs no heat at all and is done by a bank",
    2: "The bank is at no place that needs all of the heat transfer and is done",
}


def ways(word: QueryWord) -> list[tuple[tuple[int, str], ...]]:
    return [each.terms for each in word.alternatives]


def test_of_two_texts_with_the_same_words_the_one_that_has_them_together_is_first(tmp_path: Path) -> None:
    reader = indexed(tmp_path, APART)

    assert found(reader, "heat transfer") == [2, 1]
    assert found(reader, "heat xyzzy transfer", typos=False)[0] in (1, 2)


def test_a_word_is_looked_for_behind_the_one_before_it_over_stop_words_too(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: "the history of Normandy and its heat transfer"})

    pairs = neighbours(("history", "of", "Normandy", "heat"), reader)

    assert [each.text for each in pairs] == ["history normandy", "normandy heat"]
    assert [[gap for _, (gap, _) in ways(each)] for each in pairs] == [[2, 1], [1]]


@pytest.mark.parametrize("query", ["heat", "heat heat", "the of and", "heat zzzzz", "東京 大学"])
def test_a_query_without_two_known_words_in_a_row_has_no_pairs(tmp_path: Path, query: str) -> None:
    assert neighbours(parse(query).words, indexed(tmp_path, APART)) == ()


def test_the_pairs_of_a_long_query_weigh_less_each(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(16)]
    reader = indexed(tmp_path, {1: " ".join(words)})

    assert neighbours(words[:8], reader)[0].weight == pytest.approx(0.2)
    assert neighbours(words, reader)[0].weight == pytest.approx(0.1)
    assert len(neighbours(words * 3, reader)) <= 24
