"""What is done to a text before a tokenizer gets it, and where its tokens were before that."""

import re
from bisect import bisect_left
from typing import Any

from search.storable import storable

PREPARATION = "words-100-64"
"""The version of `prepared`; part of each fingerprint."""
_LONG_WORD = re.compile(r"(?<!\S)\S{101,1000}(?!\S)")  # without the look behind, a word of 1 MB takes half a minute
_PIECE_CHARS = 64


def spans_of(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Return the character ranges of a text's tokens in the text as it was before it was prepared."""
    ready, cuts = prepared(text)
    offsets = tokenizer.encode(ready, add_special_tokens=False).offsets
    spans = [(start, end) for start, end in offsets if end > start]
    if not cuts:
        return spans
    return [(start - bisect_left(cuts, start), end - bisect_left(cuts, end)) for start, end in spans]


def prepared(text: str) -> tuple[str, list[int]]:
    """Return the text as the tokenizer gets it, and the positions in it of the spaces that were put in.

    WordPiece makes one unknown token of any word over 100 characters; long addresses, identifiers and scripts
    written without spaces are therefore given in pieces. Words over 1,000 characters are no language and stay.
    """
    text = storable(text)
    if not _LONG_WORD.search(text):
        return text, []
    pieces: list[str] = []
    cuts: list[int] = []
    at = 0
    for match in _LONG_WORD.finditer(text):
        for cut in range(match.start() + _PIECE_CHARS, match.end(), _PIECE_CHARS):
            pieces.append(text[at:cut])
            cuts.append(cut + len(cuts))
            at = cut
    pieces.append(text[at:])
    return " ".join(pieces), cuts
