"""What a query was probably meant to say, by the words that an index has. Never proposes what it would not find."""

import re
from collections.abc import Sequence
from typing import Protocol

from search.lexical.analysis import can_be_misspelt, fold, is_stop_word, pieces

_LEAST_LETTERS = 5  # of a word that is proposed to be another: `many` is one letter from `may`


class Typed(Protocol):
    """A query as it was typed, and which of it are words."""

    @property
    def text(self) -> str: ...
    @property
    def words(self) -> Sequence[str]: ...


class Speller(Protocol):
    """What an index knows of words that are written alike."""

    @property
    def languages(self) -> tuple[str, ...]: ...
    def corrections(self, surface: str) -> Sequence[tuple[str, float]]: ...


def did_you_mean(index: Speller, typed: Typed) -> str:
    """Return the query with its mistyped words corrected, all else as it was; an empty text for nothing better."""
    result = typed.text
    for word in dict.fromkeys(typed.words):
        for surface in _believable(word, index.languages):
            corrections = index.corrections(surface)
            if corrections and corrections[0][0] != fold(surface):
                result = _replaced(result, surface, corrections[0][0])
    return result if result != typed.text else ""


def _believable(word: str, languages: Sequence[str]) -> list[str]:
    """Return the parts of a word that may be misspelt: what is written with signs between is a name or code."""
    found = list(pieces(word))
    if len(found) != 1 or not can_be_misspelt(found[0]) or len(found[0].surface) < _LEAST_LETTERS:
        return []
    return [] if any(is_stop_word(found[0].surface, language) for language in languages) else [found[0].surface]


def _replaced(text: str, surface: str, correction: str) -> str:
    def written(match: re.Match[str]) -> str:
        if match[0].isupper():
            return correction.upper()
        return correction.capitalize() if match[0][0].isupper() else correction

    return re.sub(rf"(?<!\w){re.escape(surface)}(?!\w)", written, text, flags=re.IGNORECASE)
