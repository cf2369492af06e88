"""Where a text may be cut: how good a place each token's beginning is, from inside a word to between paragraphs."""

import re
from enum import IntEnum
from itertools import pairwise

from .base import TokenSpans

_OPAQUE_CHARS = 1_000  # longer tokens (a base64 blob is one unknown word) are cut into parts of this length
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*\Z")
_WIDE_SENTENCE_END = "。！？"


class Border(IntEnum):
    """How good a place to cut is, from inside a word to between paragraphs."""

    NONE = 0
    WORD = 1
    SENTENCE = 2
    PARAGRAPH = 3


def without_opaque(spans: TokenSpans) -> TokenSpans:
    """Return the spans with those that are too long for one token cut into parts."""
    if all(end - start <= _OPAQUE_CHARS for start, end in spans):
        return spans
    return [
        (at, min(at + _OPAQUE_CHARS, end))
        for start, end in spans
        for at in range(start, max(end, start + 1), _OPAQUE_CHARS)
    ]


def borders(text: str, spans: TokenSpans) -> list[Border]:
    """Return for each token how good a cut before it is."""
    if not spans:
        return []
    result = [Border.PARAGRAPH]
    for (_, end), (next_start, _) in pairwise(spans):
        gap = text[end:next_start]
        before = text[max(0, end - 4) : end]
        if gap.count("\n") > 1:
            result.append(Border.PARAGRAPH)
        elif "\n" in gap or before[-1:] in _WIDE_SENTENCE_END or (gap and _SENTENCE_END.search(before)):
            result.append(Border.SENTENCE)
        else:
            result.append(Border.WORD if gap else Border.NONE)
    return result
