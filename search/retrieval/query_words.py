"""Tells which words of the texts shown are terms of a query, and looks at each word of a search once. Pure.

Words match when the lexical index would match them: the same analyzer makes their terms. Texts share most of their
words, and most of these cannot be meant: however a word of plain letters is stemmed, it keeps its beginning.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from search.lexical.analysis import (
    fold,
    forms,
    has_spaceless,
    is_spaceless,
    pieces,
    tokens,
    words_with_places,
    written_places,
    written_words,
)
from search.lexical.lexical_query import LexicalQuery

Analyze = Callable[[str], Iterable[str]]
_PLAIN = re.compile("[A-Z]?[a-z]+")
_JOINTS = frozenset("-./:_#")  # between the parts of an identifier, of which one has a digit
_MARKED_CORRECTION = 5  # letters of a word; a shorter one is nearly like too many others


def english_terms(text: str) -> list[str]:
    """Return the terms of a text where no lexical index is open that would know its languages."""
    return [form for piece in pieces(text) for form in forms(piece.surface, "en")]


def marked_terms(query: LexicalQuery, analyze: Analyze) -> tuple[str, ...]:
    """Return the terms that people expect to see marked: of what was read for a mistyped word, only the likeliest."""
    guessed: set[str] = set()
    for word in query.words:
        if correction := query.corrected.get(word.text):
            likeliest = set(analyze(correction)) if len(word.text) >= _MARKED_CORRECTION else set()
            ways = {term for way in word.alternatives for _, term in way.terms}
            guessed |= ways - likeliest - set(analyze(word.text))
    return tuple(term for term in query.terms if term not in guessed)


@dataclass(frozen=True, slots=True)
class Match:
    """A place in a text, and the term of the query that stands there."""

    start: int
    end: int
    term: str


class QueryWords:
    """The terms of one query, with what has been found out about words while its answers are made."""

    def __init__(self, terms: Iterable[str], analyze: Analyze) -> None:
        self.terms = frozenset(terms)
        self._analyze = analyze
        self._beginnings = frozenset(_beginning(term) for term in self.terms)
        self._known: dict[str, frozenset[str]] = {}  # words that are terms of the query
        self._other: set[str] = set()  # words that are not

    def places(self, text: str, start: int, end: int, terms: Iterable[str] | None = None) -> list[Match]:
        """Return where `text[start:end]` has terms of the query, or only those of its terms that are given."""
        wanted = self.terms if terms is None else self.terms.intersection(terms)
        words: Iterable[tuple[int, int, str]]
        if not wanted:
            return []
        if has_spaceless(text, start, end):
            words = list(words_with_places(text, start, end))
            there = self._among(word for _, _, word in words)
        else:
            there = self._among(written_words(text, start, end))
            words = written_places(text, start, end) if there else ()
        result: list[Match] = []
        for first, last, word in words:
            if word not in there or not (here := self._known[word] & wanted):
                continue
            if result and first < result[-1].end:  # pairs of characters that overlap
                result[-1] = Match(result[-1].start, max(last, result[-1].end), result[-1].term)
            else:
                result.append(Match(first, last, min(here)))
        return result

    def terms_in(self, text: str) -> set[str]:
        """Return the terms of the query that a text has anywhere."""
        if not self.terms:
            return set()
        words: list[str] = tokens(text)
        if has_spaceless(text, 0, len(text)):
            words = [*words, *(word for _, _, word in words_with_places(text, 0, len(text)))]
        return {term for word in self._among(words) for term in self._known[word]}

    def _among(self, words: Iterable[str]) -> set[str]:
        """Return those words that are terms of the query."""
        possible = set(words) - self._other
        for word in possible - self._known.keys():
            if found := self._looked_up(word):
                self._known[word] = found
            else:
                self._other.add(word)
        return possible & self._known.keys()

    def _looked_up(self, word: str) -> frozenset[str]:
        if _PLAIN.fullmatch(word):
            low = word[:3].lower()
            if self._beginnings.isdisjoint((low, low[:2], low[0])):
                return frozenset()
        return self.terms.intersection([word] if is_spaceless(word) else self._analyze(word))


def joined(text: str, matches: Iterable[Match]) -> list[Match]:
    """Return the matches with the parts of an identifier, such as `E-4711` or `v2.1`, as one place."""
    result: list[Match] = []
    for match in matches:
        before = result[-1] if result else None
        if before is not None and _is_identifier(text[before.start : match.end], before.end - before.start, match):
            result[-1] = Match(before.start, match.end, before.term)
        else:
            result.append(match)
    return result


def _is_identifier(written: str, first: int, last: Match) -> bool:
    between = written[first : len(written) - (last.end - last.start)]
    return between in _JOINTS and any(map(str.isdecimal, written))


def _beginning(term: str) -> str:
    """Return how plainly written words of a term begin: up to three letters, of a short one (dying, die) fewer."""
    return fold(term)[: min(max(len(term) - 2, 1), 3)]
