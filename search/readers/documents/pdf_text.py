"""The lines of a PDF's page to paragraphs: a PDF knows where glyphs stand, not which lines belong together."""

import re
from collections import Counter
from collections.abc import Sequence

from search.readers.text.markdown_text import plain_lines

_LIGATURES = str.maketrans({
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
})  # fmt: skip
_SPACES = re.compile(r"[ \t\f\v\xa0]+")
_HYPHENATED = re.compile(r"[^\W\d_](?:-|\u2010|\u00ad)\Z")
_ENDS_A_SENTENCE = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*\Z")
_BEGINS_ANEW = re.compile(r"--?\w|[•‣◦▪●–—*·-]\s|\(?\d{1,3}[.)]\s|\(?[a-z]\)\s|\d+(\.\d+)+\s")
_FULL_LINE = 0.75  # of the page's usual line length: a shorter line may end a paragraph
_HALF_LINE = 0.5  # a shorter one is a heading, or an entry of a list, whatever follows
_A_LINE = 40  # characters; narrower pages have no lines to tell apart by their length
_DIGITS = re.compile(r"\d+")
_PAGES_FOR_RUNNING_LINES = 4
_RUNNING = 0.6  # share of the pages that a running header stands on


def lines_of(text: str) -> list[str]:
    """Return the lines of a page's extracted text, with ligatures resolved and runs of spaces made one."""
    text = plain_lines(text).translate(_LIGATURES)
    return [_SPACES.sub(" ", line).strip() for line in text.split("\n")]


def running_lines(pages: Sequence[Sequence[str]]) -> set[str]:
    """Return the headers and footers that most pages share, as `without_numbers` shows them."""
    if len(pages) < _PAGES_FOR_RUNNING_LINES:
        return set()
    seen = Counter(line for page in pages for line in {without_numbers(line) for line in _edges(page)})
    return {line for line, count in seen.items() if count >= _RUNNING * len(pages)}


def without_numbers(line: str) -> str:
    return _DIGITS.sub("0", line)


def _edges(page: Sequence[str]) -> list[str]:
    filled = [line for line in page if line]
    return filled[:2] + filled[-2:] if len(filled) > 4 else []


def without_running(page: Sequence[str], running: set[str]) -> list[str]:
    """Return a page's lines without those at its edges that run through the whole file."""
    edges = {line for line in _edges(page) if without_numbers(line) in running}
    return [line for line in page if line not in edges]


def paragraphs(page: Sequence[str]) -> str:
    """Return a page's lines as paragraphs: words that were divided are whole again, lines that belong together one."""
    lengths = sorted(len(line) for line in page if line)
    if not lengths:
        return ""
    usual = lengths[int(0.9 * len(lengths))]
    joined: list[str] = []
    before = ""  # the line above, as it stood
    for line in page:
        if not line:
            joined.append("")
        elif before and _HYPHENATED.search(before) and line[:1].islower():
            joined[-1] = joined[-1][:-1] + line
        elif before and _goes_on(before, line, usual):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
        before = line
    return re.sub(r"\n{3,}", "\n\n", "\n".join(joined)).strip("\n").replace("\u00ad", "")


def _goes_on(before: str, line: str, usual: int) -> bool:
    """Whether a line belongs to the paragraph of the line above it."""
    if _BEGINS_ANEW.match(line):
        return False
    length = len(before) / usual
    full = length >= _FULL_LINE and len(before) > _A_LINE
    if _ENDS_A_SENTENCE.search(before):
        return full
    return full or (line[:1].islower() and length >= _HALF_LINE)
