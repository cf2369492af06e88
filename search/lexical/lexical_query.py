"""A query as the lexical index understands it: words with their alternatives, phrases, exclusions. Pure.

A word's alternatives (its forms in the languages of the index, corrections of a mistyped word, synonyms) stand for
one word: the best of them counts, not their sum, so that a word with many forms weighs no more than one with one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from search.lexical.analysis import Kind, Piece, can_be_misspelt, forms, is_stop_word, pieces

_WEIGHTS = {Kind.WORD: 1.0, Kind.WHOLE: 0.25, Kind.INNER: 0.3, Kind.CHARACTER: 0.4, Kind.PAIR: 1.0}
_STOP_WORD = 0.3  # of a word's weight: measured to be better than leaving such words out, and than letting them be
_SYNONYM = 0.8
_COMPLETION = 0.7
_MOST_SYNONYMS = 20  # of one word

Terms = tuple[tuple[int, str], ...]  # (position, term)


class AskedPhrase(Protocol):
    """Words in order, in one field or, with an empty name, in either."""

    @property
    def text(self) -> str: ...
    @property
    def field(self) -> str: ...


class Asked(Protocol):
    """What this package needs to know of a parsed query."""

    @property
    def words(self) -> Sequence[str]: ...
    @property
    def phrases(self) -> Sequence[AskedPhrase]: ...
    @property
    def excluded(self) -> Sequence[AskedPhrase]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is asked for as it is, without operators."""

    words: tuple[str, ...]
    phrases: tuple[AskedPhrase, ...] = ()
    excluded: tuple[AskedPhrase, ...] = ()


class Vocabulary(Protocol):
    """What an index knows of words."""

    @property
    def languages(self) -> tuple[str, ...]: ...
    def frequency(self, term: str) -> int: ...
    def corrections(self, surface: str) -> Sequence[tuple[str, float]]: ...
    def completions(self, prefix: str) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Alternative:
    """One term, or several at their positions, that stand for a word; `weight` is at most 1."""

    terms: Terms
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word with all that may stand for it; one that is not `telling` says nothing by itself, as `the` does."""

    text: str
    alternatives: tuple[Alternative, ...]
    weight: float = 1.0
    telling: bool = True


@dataclass(frozen=True, slots=True)
class QueryPhrase:
    """A phrase: one of its alternatives must be there, in one field or in either."""

    text: str
    field: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """All that is asked of the lexical index. `corrected` says what was read for words that it does not have."""

    words: tuple[QueryWord, ...] = ()
    phrases: tuple[QueryPhrase, ...] = ()
    excluded: tuple[QueryPhrase, ...] = ()
    title_weight: float = 0.1
    corrected: Mapping[str, str] = field(default_factory=dict)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that the query looks for and that are worth marking; stop words only if there is nothing else."""
        telling = [word for word in self.words if word.telling] or self.words
        alternatives = [each for word in telling for each in word.alternatives]
        alternatives += [each for phrase in self.phrases for each in phrase.alternatives]
        return tuple(dict.fromkeys(term for each in alternatives for _, term in each.terms))


def build(
    asked: Asked,
    index: Vocabulary,
    *,
    synonyms: Mapping[str, Sequence[str]] | None = None,
    title_weight: float = 0.1,
    typos: bool = True,
    prefix_last: bool = False,
) -> LexicalQuery:
    """Return what to ask of `index`; `synonyms` maps a word or words, as people write them, to others."""
    builder = _WordBuilder(index, typos)
    free = [word for text in asked.words for word in builder.read(text)]
    if prefix_last and asked.words:
        free = _completed(free, index)
    words = free + [word for phrase in asked.phrases for word in builder.read(phrase.text)]
    if synonyms:
        words = _with_synonyms(words, synonyms, index.languages)
    return LexicalQuery(
        words=_counted(words),
        phrases=_phrases(asked.phrases, index.languages),
        excluded=_phrases(asked.excluded, index.languages),
        title_weight=title_weight,
        corrected=builder.corrected,
    )


class _WordBuilder:
    """Makes words of pieces, and remembers which were corrected."""

    def __init__(self, index: Vocabulary, typos: bool) -> None:
        self.index = index
        self.typos = typos
        self.corrected: dict[str, str] = {}

    def read(self, text: str) -> list[QueryWord]:
        """Return the words of a text; a character beside others says nothing by itself, the pair of them does.

        The parts of a code such as `marker1` are asked for only where the index does not have the code itself.
        """
        found = list(pieces(text))
        there = {piece.position for piece in found if piece.kind is Kind.WORD and self._is_known(piece)}
        found = [piece for piece in found if piece.kind is not Kind.INNER or piece.position not in there]
        pairs = {piece.position for piece in found if piece.kind is Kind.PAIR}
        words = [self._word(piece) for piece in found]
        return [
            replace(word, telling=False)
            if piece.kind is Kind.CHARACTER and {piece.position, piece.position - 1} & pairs
            else word
            for piece, word in zip(found, words, strict=True)
        ]

    def _is_known(self, piece: Piece) -> bool:
        return any(self.index.frequency(term) for term in _forms(piece.surface, self.index.languages))

    def _word(self, piece: Piece) -> QueryWord:
        terms = _forms(piece.surface, self.index.languages)
        known = [term for term in terms if self.index.frequency(term)]
        alternatives = [Alternative(((0, term),)) for term in known or terms[:1]]
        weight = _WEIGHTS[piece.kind]
        if any(is_stop_word(piece.surface, language) for language in self.index.languages):
            return QueryWord(piece.surface, tuple(alternatives), weight * _STOP_WORD, telling=False)
        if self.typos and can_be_misspelt(piece):
            there = {each.terms for each in alternatives}
            alternatives += [each for each in self._corrections(piece.surface) if each.terms not in there]
        return QueryWord(piece.surface, tuple(alternatives), weight)

    def _corrections(self, surface: str) -> Iterator[Alternative]:
        for at, (correction, weight) in enumerate(self.index.corrections(surface)):
            if at == 0:
                self.corrected[surface] = correction
            for term in _forms(correction, self.index.languages):
                if self.index.frequency(term):
                    yield Alternative(((0, term),), weight)


def _completed(words: list[QueryWord], index: Vocabulary) -> list[QueryWord]:
    """Return the words, the last one with what it may become when it is finished."""
    last = next((at for at in range(len(words) - 1, -1, -1) if words[at].text.isalpha()), None)
    if last is None:
        return words
    completions = [_forms(each, index.languages) for each in index.completions(words[last].text)]
    there = {each.terms for each in words[last].alternatives}
    more = dict.fromkeys(((0, term),) for terms in completions for term in terms if index.frequency(term))
    fresh = tuple(Alternative(terms, _COMPLETION) for terms in more if terms not in there)
    completed = replace(words[last], alternatives=words[last].alternatives + fresh, telling=True)
    return [*words[:last], completed, *words[last + 1 :]]


def _with_synonyms(
    words: Sequence[QueryWord], synonyms: Mapping[str, Sequence[str]], languages: Sequence[str]
) -> list[QueryWord]:
    """Return the words with their synonyms among the alternatives; those of several words stand with the first."""
    result = list(words)
    for written, others in synonyms.items():
        key = [set(_forms(piece.surface, languages)) for piece in _plain(written)]
        for at in range(len(words) - len(key) + 1):
            if key and all(_terms_of(word) & forms_ for word, forms_ in zip(words[at:], key, strict=False)):
                more = [
                    Alternative(chain, _SYNONYM * len(key))
                    for other in list(others)[:_MOST_SYNONYMS]
                    for chain in _chains(other, languages)
                ]
                result[at] = replace(result[at], alternatives=(*result[at].alternatives, *more))
    return result


def _phrases(asked: Iterable[AskedPhrase], languages: Sequence[str]) -> tuple[QueryPhrase, ...]:
    return tuple(
        QueryPhrase(phrase.text, phrase.field, tuple(Alternative(chain) for chain in chains))
        for phrase in asked
        if (chains := _chains(phrase.text, languages))
    )


def _chains(text: str, languages: Sequence[str]) -> list[Terms]:
    """Return the ways in which a phrase may be written in an index: in each language; what is written together, too."""
    result: list[Terms] = []
    wholes = [piece for piece in pieces(text) if piece.kind is Kind.WHOLE]
    for pieces_ in (_plain(text), wholes if len(wholes) == 1 else []):
        for language in languages or ("",):
            for at in range(2 if pieces_ else 0):
                chosen = [(piece.position, forms(piece.surface, language)) for piece in pieces_]
                result.append(tuple((position, each[min(at, len(each) - 1)]) for position, each in chosen))
    return [chain for chain in dict.fromkeys(result) if chain]


def _plain(text: str) -> list[Piece]:
    """Return the pieces that follow each other: words, and the characters of scripts without spaces."""
    return [piece for piece in pieces(text) if piece.kind in (Kind.WORD, Kind.CHARACTER)]


def _forms(surface: str, languages: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for language in languages or ("",) for term in forms(surface, language)))


def _terms_of(word: QueryWord) -> set[str]:
    return {each.terms[0][1] for each in word.alternatives if len(each.terms) == 1 and each.weight == 1.0}


def _counted(words: Iterable[QueryWord]) -> tuple[QueryWord, ...]:
    """Return each word once; a word that is said twice weighs twice."""
    weights: dict[tuple[Alternative, ...], QueryWord] = {}
    for word in words:
        before = weights.get(word.alternatives)
        weights[word.alternatives] = replace(word, weight=word.weight + before.weight) if before else word
    return tuple(weights.values())
