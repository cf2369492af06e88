"""Words that stand side by side in a query say more where they stand side by side in a text, too. Pure.

The sequential dependence of Metzler and Croft, "A Markov Random Field Model for Term Dependencies", 2005, as far as
phrases of two words go. What is beside each other is looked for as a phrase that may be missing.
"""

from collections.abc import Sequence
from itertools import pairwise

from search.lexical.analysis import Kind, forms, is_stop_word, pieces
from search.lexical.lexical_query import Alternative, QueryWord, Vocabulary

_WEIGHT = 0.2  # of a word's
_USUAL_WORDS = 8  # the pairs of a longer query weigh as much together as those of one with so many words
_MOST_PAIRS = 24


def neighbours(texts: Sequence[str], index: Vocabulary) -> tuple[QueryWord, ...]:
    """Return each two words of a query that follow each other, over stop words too, as something to look for.

    In a text the second stands as far behind the first as in the query, or right behind it.
    """
    said = [piece.surface for text in texts for piece in pieces(text) if piece.kind is Kind.WORD]
    telling = [
        (at, term)
        for at, surface in enumerate(said)
        if not any(is_stop_word(surface, language) for language in index.languages) and (term := _known(surface, index))
    ]
    weight = _WEIGHT * min(1.0, _USUAL_WORDS / max(1, len(telling)))
    found: dict[str, QueryWord] = {}
    for (at, first), (then, second) in pairwise(telling):
        if first != second:
            ways = tuple(Alternative(((0, first), (gap, second))) for gap in dict.fromkeys((then - at, 1)))
            found.setdefault(f"{first} {second}", QueryWord(f"{said[at]} {said[then]}", ways, weight))
    return tuple(found.values())[:_MOST_PAIRS]


def _known(surface: str, index: Vocabulary) -> str:
    """Return the first form of a word that the index has, or nothing."""
    terms = [term for language in index.languages for term in forms(surface, language)]
    return next((term for term in terms if index.frequency(term)), "")
