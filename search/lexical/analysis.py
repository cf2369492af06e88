"""Text → the terms of the lexical index, in documents and in queries alike. No Django, no index.

A word is stemmed by its language, then loses its accents. What people write together (`ERR_CONN_42`, `std::vector`,
`10.1000/xyz`, `iPhone12`) is there whole and in parts. Scripts that put no spaces between words are there by single
characters and by pairs. Every term has a position, so that phrases can be told from words; a whole stands at the
position of its first part. Whoever changes what comes out here changes RECIPE too: indexes made by another recipe
are built anew.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from itertools import pairwise

import tantivy

from search.lexical import stop_words

RECIPE = "4"
BODY_TIMES = 2  # tantivy fixes k1 of BM25 at 1.2; a text whose words are all there twice is scored as by k1 = 0.6
TITLE_TIMES = 4  # a word of the title counts as two of the body

_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
_CODES = {name: code for code, name in _STEMMERS.items()} | {
    "ara": "ar", "dan": "da", "deu": "de", "dut": "nl", "ell": "el", "eng": "en", "fin": "fi", "fra": "fr", "fre": "fr",
    "ger": "de", "gre": "el", "hun": "hu", "ita": "it", "nb": "no", "nld": "nl", "nn": "no", "nor": "no", "por": "pt",
    "ron": "ro", "rum": "ro", "rus": "ru", "spa": "es", "swe": "sv", "tam": "ta", "tur": "tr",
}  # fmt: skip
STOP_LISTS = frozenset({"da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ru", "sv"})
_WITHOUT_ACCENTS = frozenset({"en"})  # their stemmers take an accent for a consonant
_MOST_CHARACTERS = 64  # of a term; longer ones are cut
_MOST_WHOLE = 120  # characters of what is indexed whole; longer chains of words are there in parts only

# Marks that are parts of words, though Python's \w does not say so: accents apart, signs of Indic scripts, Thai …
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
    "\u0e00-\u0e7f\u0e80-\u0eff\u0f71-\u0fbc\u1000-\u1049\u1050-\u109f\u1780-\u17d3"
)
_LETTERS = f"[\\w{_MARKS}]"
_TOKEN = re.compile(rf"{_LETTERS}+(?:(?:[.:/\\@&+#=~-]|::|->|://){_LETTERS}+)*(?:\+\+|#)?")
_WRITTEN = re.compile(rf"{_LETTERS}+")
_ATOM = re.compile(rf"(?:(?!_){_LETTERS})+")
_CLITIC = re.compile(r"['’](?:s|t|d|m|ll|re|ve)\b", re.IGNORECASE)
_SPACELESS = re.compile(
    "([\u0e00-\u0fff\u1000-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_HUMPS = re.compile(r"(?<=[a-zß-ÿ]{2})(?=[A-ZÀ-Þ])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
_NUMBERED = re.compile(r"([^\W\d_]{3,})(\d+)|(\d+)([^\W\d_]+)")
_FOLDED = {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "d"}


class Kind(Enum):
    """What a piece of a text is to the others at its place."""

    WORD = "word"
    WHOLE = "whole"  # several words written together
    INNER = "inner"  # a part of one word: `tube` of `YouTube`
    CHARACTER = "character"  # of a script without spaces
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that becomes a term: `surface` is in lower case, its accents are there."""

    position: int
    surface: str
    kind: Kind = Kind.WORD


def pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text, by position."""
    position = 0
    for token in tokens(text):
        found, width = _token_pieces(token) if len(token) <= _MOST_WHOLE else _split(token)
        for piece in found:
            yield Piece(position + piece.position, piece.surface, piece.kind) if position else piece
        position += width


def tokens(text: str) -> list[str]:
    """Return what is written without a space, in the order of the text; each becomes its pieces by itself."""
    return _TOKEN.findall(_CLITIC.sub("", text))


def written_words(text: str, start: int, end: int) -> list[str]:
    """Return the words of `text[start:end]` in their order; a run of a script without spaces is one."""
    return _WRITTEN.findall(text, start, end)


def written_places(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, text) of each of these words."""
    return ((match.start(), match.end(), match[0]) for match in _WRITTEN.finditer(text, start, end))


def words_with_places(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, text) of each word in `text[start:end]`; of scripts without spaces, characters and pairs."""
    for match in _WRITTEN.finditer(text, start, end):
        at = match.start()
        for part in _SPACELESS.split(match[0]):
            if _SPACELESS.match(part):
                for offset, character in enumerate(part):
                    yield at + offset, at + offset + 1, character
                    if offset + 1 < len(part):
                        yield at + offset, at + offset + 2, part[offset : offset + 2]
            elif part:
                yield at, at + len(part), part
            at += len(part)


def has_spaceless(text: str, start: int, end: int) -> bool:
    """Tell whether `text[start:end]` has anything of a script that puts no spaces between words."""
    return not text.isascii() and _SPACELESS.search(text, start, end) is not None


def is_spaceless(word: str) -> bool:
    """Tell whether a word is of a script that puts no spaces between words, and so is its own only term."""
    return _SPACELESS.match(word) is not None


def term(surface: str, language: str) -> str:
    """Return the term that a document in a language has for a surface."""
    return _term(surface, language if language in _STEMMERS else "")


def forms(surface: str, language: str) -> tuple[str, ...]:
    """Return the terms by which a query in a language finds a surface; accents may be missing on either side."""
    return tuple(dict.fromkeys(term(each, language) for each in (surface, fold(surface))))


@lru_cache(maxsize=1 << 15)
def query_terms(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return every term by which a query in one of the languages might find a word."""
    found = [forms(piece.surface, language) for piece in pieces(word) for language in languages]
    return tuple(dict.fromkeys(term for each in found for term in each))


def document_terms(text: str, language: str) -> tuple[list[tuple[int, str]], set[str]]:
    """Return (position, term) for everything in a document's text, and its words as they are written, folded."""
    terms: list[tuple[int, str]] = []
    written: set[str] = set()
    position = 0
    for token in tokens(text):
        written.add(token)
        found, _, width = _token_terms(token, language)
        for at, each in found:
            terms.append((position + at, each))
        position += width
    return terms, {word for token in written for word in _token_terms(token, language)[1]}


@lru_cache(maxsize=1 << 14)
def is_stop_word(surface: str, language: str) -> bool:
    """Tell whether a word says nothing by itself in a language."""
    if language == "en":
        return surface in stop_words.ENGLISH
    return language in STOP_LISTS and not _stop_filter(language).analyze(surface)


def can_be_misspelt(piece: Piece) -> bool:
    """Tell whether a piece is a word of letters, of a script in which letters are mistaken for each other."""
    return piece.kind is Kind.WORD and piece.surface.isalpha() and len(piece.surface) >= 4


def language_of(tag: str) -> str:
    """Return the two letters of a language given as `de-AT`, `deu` or `german`; an empty text for what is none."""
    plain = re.split(r"[-_ ]", tag.strip().lower())[0]
    return _CODES.get(plain, plain if re.fullmatch("[a-z]{2,3}", plain) else "")


def fold(text: str) -> str:
    """Return a text in lower case without accents, in scripts where these are often left out."""
    if text.isascii():
        return text
    return "".join(_fold_character(character) for character in text)


@cache
def _fold_character(character: str) -> str:
    if character in _FOLDED:
        return _FOLDED[character]
    if not (character < "\u0700" or "\u1e00" <= character <= "\u1fff"):
        return character
    return "".join(c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) != "Mn")


@lru_cache(maxsize=1 << 14)
def _term(surface: str, language: str) -> str:
    if language in _WITHOUT_ACCENTS:
        surface = fold(surface)
    if language and surface.isalpha():
        stems = _stemmer(language).analyze(surface)
        surface = stems[0] if stems and stems[0] else surface
    return fold(surface)[:_MOST_CHARACTERS]


@lru_cache(maxsize=1 << 16)
def _token_terms(token: str, language: str) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...], int]:
    """Return terms, written words and width of a token: a text repeats its words, and one of 200 takes 1 ms without."""
    found, width = _split(token)
    words = [fold(piece.surface) for piece in found if piece.kind in (Kind.WORD, Kind.INNER)]
    terms = tuple((piece.position, term(piece.surface, language)) for piece in found)
    return terms, tuple(word for word in words if word.isalpha()), width


@lru_cache(maxsize=1 << 12)
def _token_pieces(token: str) -> tuple[tuple[Piece, ...], int]:
    return _split(token)


def _split(token: str) -> tuple[tuple[Piece, ...], int]:
    """Return the pieces of what is written without a space, and how many positions they take."""
    token = unicodedata.normalize("NFKC", token)
    atoms = list(_ATOM.finditer(token))
    result: list[Piece] = []
    width = 0
    for atom in atoms:
        for part in _SPACELESS.split(atom[0]):
            found, taken = _characters(part, width) if _SPACELESS.match(part) else _word(part, width)
            result.extend(found)
            width += taken
    if whole := _whole(token, atoms):
        result.append(Piece(0, whole, Kind.WHOLE))
    return tuple(sorted(result, key=lambda piece: piece.position)), width


def _word(part: str, position: int) -> tuple[list[Piece], int]:
    if not part:
        return [], 0
    result = [Piece(position, _lower(part))]
    numbered = _NUMBERED.fullmatch(part)
    inner = [group for group in numbered.groups() if group] if numbered else _HUMPS.split(part)
    if len(inner) > 1:
        result.extend(Piece(position, _lower(each), Kind.INNER) for each in inner)
    return result, 1


def _characters(run: str, position: int) -> tuple[list[Piece], int]:
    singles = [Piece(position + at, each, Kind.CHARACTER) for at, each in enumerate(run)]
    pairs = [Piece(position + at, run[at : at + 2], Kind.PAIR) for at in range(len(run) - 1)]
    return singles + pairs, len(run)


def _whole(token: str, atoms: list[re.Match[str]]) -> str:
    """Return the parts as one, a sign kept only between digits: `iso9001`, `v2.3.1`; `c++` and `c#` as they are."""
    if not atoms or len(token) > _MOST_WHOLE or _SPACELESS.search(token):
        return ""
    sign = re.search(r"(?:\+\+|#)$", token)
    if len(atoms) < 2 and not sign:
        return ""
    result = atoms[0][0]
    for before, after in pairwise(atoms):
        numbers = before[0][-1].isdigit() and after[0][0].isdigit()
        result += (token[before.end() : after.start()] if numbers else "") + after[0]
    return _lower(result + (sign[0] if sign else ""))


def _lower(text: str) -> str:
    return text.lower()[:_MOST_CHARACTERS]


@cache
def _stemmer(language: str) -> "tantivy.TextAnalyzer":
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    return builder.filter(tantivy.Filter.stemmer(_STEMMERS[language])).build()


@cache
def _stop_filter(language: str) -> "tantivy.TextAnalyzer":
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    return builder.filter(tantivy.Filter.stopword(_STEMMERS[language])).build()
