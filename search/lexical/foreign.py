"""Whether a query is in another language than the texts that are searched. Pure, and careful: names are no language.

Words of another language say little: `man` is somebody in German and a person in English. Such a query is answered by
its meaning, by encoders that know both languages. It is told by letters that the texts are not written with, or by
words that only say something about the grammar of another language; a query of names and nouns alone is never foreign.
"""

import unicodedata
from collections.abc import Sequence

from search.lexical.analysis import STOP_LISTS, is_stop_word, pieces

_SCRIPTS = {
    "ar": {"ARABIC"}, "bg": {"CYRILLIC"}, "el": {"GREEK"}, "fa": {"ARABIC"}, "he": {"HEBREW"}, "hi": {"DEVANAGARI"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA"}, "ko": {"HANGUL", "CJK"}, "ru": {"CYRILLIC"}, "ta": {"TAMIL"},
    "th": {"THAI"}, "uk": {"CYRILLIC"}, "zh": {"CJK"},
}  # fmt: skip
_LEAST_WORDS = 2  # of another language's grammar, more than of the texts' own


def is_foreign(text: str, languages: Sequence[str]) -> bool:
    """Tell whether a query is in none of the `languages`, codes such as `de`; without any, nothing is foreign."""
    return bool(languages) and (_other_letters(text, languages) or _other_grammar(text, languages))


def _other_letters(text: str, languages: Sequence[str]) -> bool:
    """Tell whether most letters are of scripts other than Latin that none of the languages is written in."""
    known = {"LATIN"}.union(*(_SCRIPTS.get(language, ()) for language in languages))
    letters = [unicodedata.name(character, "").partition(" ")[0] for character in text if character.isalpha()]
    return 2 * sum(script not in known for script in letters) > len(letters)


def _other_grammar(text: str, languages: Sequence[str]) -> bool:
    """Tell whether far more words are stop words of another language than of the texts' own, if all are known."""
    if not STOP_LISTS.issuperset(languages):
        return False
    words = [piece.surface for piece in pieces(text)]
    own = max(_stop_words(words, language) for language in languages)
    other = max((_stop_words(words, language) for language in STOP_LISTS.difference(languages)), default=0)
    return other >= own + _LEAST_WORDS and other > 2 * own


def _stop_words(words: Sequence[str], language: str) -> int:
    return sum(is_stop_word(word, language) for word in words)
