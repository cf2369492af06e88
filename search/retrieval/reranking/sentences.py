"""The sentences of a part of a text, by their places. Pure, and no judge of grammar: what ends like one is one."""

import re

_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？]+|\n\s*\n|\s+\.\s+")
_LEAST = 12  # characters; what is shorter goes with what follows
_MOST = 600


def sentences(text: str, start: int, end: int, most: int) -> list[tuple[int, int]]:
    """Return (start, end) of the first `most` sentences in `text[start:end]`, without the space around them."""
    found: list[tuple[int, int]] = []
    at = start
    for border in [*(match.end() for match in _END.finditer(text, start, end)), end]:
        if border - at < _LEAST and border < end:
            continue
        first, last = _stripped(text, at, min(border, at + _MOST))
        if last > first:
            found.append((first, last))
        at = border
        if len(found) >= most:
            break
    return found


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
