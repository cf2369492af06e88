"""Cuts the part of a text that answers a query best, and marks the words that match. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from search.datatypes import Snippet
from search.retrieval.markdown_signs import signs
from search.retrieval.query_words import Match, QueryWords, joined

_SPACE = re.compile(r"\s")
_HEADING_SIGNS = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)
_SNIPPET_CHARS = 320
_HEADING_ROOM = 16  # signs and blanks around a title
_LOOKED_AT_CHARS = 100_000  # a range can be a whole book, and a page of results has many


def past_title(text: str, start: int, end: int, title: str) -> int:
    """Return where `text[start:end]` begins behind a line that only repeats the title, which is shown above it anyway.

    It is `start` where the range begins with something else, or has nothing but its title.
    """
    first = start
    while first < end and text[first].isspace():
        first += 1
    line_end = text.find("\n", first, end)
    if line_end < 0 or not title or line_end - first > 2 * len(title) + _HEADING_ROOM:
        return start
    line = _HEADING_SIGNS.sub("", text[first:line_end]).strip().rstrip("#").strip()
    same = " ".join(line.split()).casefold() == " ".join(title.split()).casefold()
    return line_end + 1 if same and text[line_end:end].strip() else start


def snippet(text: str, start: int, end: int, words: QueryWords, terms: Iterable[str] | None = None) -> Snippet:
    """Return the window of `text[start:end]` with the most distinct matching terms, at most 320 characters.

    Without a match it is the beginning of the range. Cut-off ends are marked by an ellipsis.
    """
    start = max(0, start)
    end = min(end, len(text), start + _LOOKED_AT_CHARS)
    while start < end and text[start].isspace():
        start += 1
    matches = words.places(text, start, end, terms)
    first, last = _window(text, start, end, matches)
    return _cut(text, first, last, [m for m in matches if first <= m.start and m.end <= last])


def snippet_from(text: str, sentence: int, end: int) -> Snippet:
    """Return what begins with a sentence that was chosen for its meaning, at most 320 characters up to `end`."""
    return replace(_cut(text, sentence, _before_space(text, sentence + _SNIPPET_CHARS, end), []), kind="meaning")


def _cut(text: str, first: int, last: int, marked: Sequence[Match]) -> Snippet:
    before = "… " if first > 0 and text[:first].strip() else ""
    after = " …" if text[last:].strip() else ""
    left_out = signs(text, first, last)

    def placed(at: int) -> int:
        """Return where a place of the text is in the snippet, which has the signs of Markdown no more."""
        behind = [(min(at, sign.end) - sign.start, sign.instead) for sign in left_out if sign.start < at]
        return len(before) + at - first - sum(max(0, length - len(instead)) for length, instead in behind)

    parts: list[str] = []
    at = first
    for sign in left_out:
        parts += [text[at : sign.start], sign.instead]
        at = sign.end
    places = [(placed(match.start), placed(match.end)) for match in joined(text, marked)]
    shown = tuple((begin, end) for begin, end in places if begin < end)  # and not within an address left out
    return Snippet(
        before + _SPACE.sub(" ", "".join([*parts, text[at:last]])) + after,
        shown,
        "words" if shown else "beginning",
    )


def _window(text: str, start: int, end: int, matches: list[Match]) -> tuple[int, int]:
    """Return the borders of the best window, moved outwards from inside words."""
    if end - start <= _SNIPPET_CHARS:
        return start, end
    best_start, best_worth = start, -1
    for at, match in enumerate(matches):
        inside = [m for m in matches[at : at + 60] if m.end <= match.start + _SNIPPET_CHARS * 3 // 4]
        worth = 1_000 * len({m.term for m in inside}) + len(inside)
        if worth > best_worth:
            best_start, best_worth = match.start, worth
    first = max(start, best_start - _SNIPPET_CHARS // 4)
    first = min(first, end - _SNIPPET_CHARS)
    last = first + _SNIPPET_CHARS
    return _after_space(text, first, start), _before_space(text, last, end)


def _after_space(text: str, at: int, start: int) -> int:
    """Return the beginning of the first whole word at or after `at`, preferring a sentence's beginning nearby."""
    if at <= start:
        return start
    sentence = re.compile(r"[.!?]\s+|\n\s*").search(text, at, at + 60)
    if sentence:
        return sentence.end()
    space = _SPACE.search(text, at, at + 40)
    return space.end() if space else at


def _before_space(text: str, at: int, end: int) -> int:
    """Return the end of the last whole word before `at`."""
    if at >= end:
        return end
    for position in range(at, max(at - 40, 0), -1):
        if text[position].isspace():
            return position
    return at
