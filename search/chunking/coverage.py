"""How much of a text its chunks hold. Nothing is ever cut off silently, and this is where that can be seen."""

import unicodedata
from collections.abc import Iterable


def coverage(body: str, ranges: Iterable[tuple[int, int]]) -> float:
    """Return the share of a text's readable characters that lie in at least one range of offsets, 0 to 1.

    Readable are letters, digits, punctuation and symbols; space, control characters and marks, which many tokenizers
    drop, are not. 1 where there is nothing to read.
    """
    missed = at = 0
    for start, end in sorted(ranges):
        missed += _readable(body, at, start)
        at = max(at, end)
    missed += _readable(body, at, len(body))
    return 1 - missed / _readable(body, 0, len(body)) if missed else 1.0


def _readable(body: str, start: int, end: int) -> int:
    if start >= end or not (gap := body[start:end]).strip():
        return 0
    return sum(char != "\ufffd" and unicodedata.category(char)[0] in "LNPS" for char in gap)
