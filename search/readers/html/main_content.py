"""Which blocks of a page are its content, where the page does not mark its main part itself.

trafilatura judges, our own blocks are kept: its extraction finds where an article begins and ends, but loses code,
headings and definition lists of documentation. Where it keeps clearly too little, all blocks stay that are not mere
links.
"""

import re
from collections.abc import Sequence

from .html_blocks import Block

_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"\w+\W+\w+\W+\w.*[.!?…。][\"'”’»)]*\Z", re.DOTALL)
_NOTICE = re.compile(r"©|copyright|all rights reserved|\bcookies?\b|privacy policy|newsletter|subscribe", re.IGNORECASE)
_MERE_LINKS = 0.6  # share of a block's characters that are links
_TOO_LITTLE = 0.5  # share of the text that trafilatura must keep for its judgment to count
_LARGEST = 500_000  # characters; a page with more of them is a document, not an article
_A_TEXT = 500  # characters: a page with fewer besides its links is a list of links, and these are its content
_PROBE = 120  # characters by which a long block is found again
_HEADINGS_BEFORE = 4  # blocks between a title and the text, such as the date and the author


def main_content(page: str, blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks of a page's content, in their order; `page` is its HTML."""
    size = sum(len(block.text) for block in blocks)
    matched = _matched(page, blocks) if 0 < size <= _LARGEST else []
    own = [block for block in blocks if not _mere_links(block)]
    if matched and _enough(blocks, matched):
        first, last = _with_headings(blocks, matched[0]), matched[-1]
        found = set(matched)
        kept = [
            block
            for at, block in enumerate(blocks)
            if at in found or (not _mere_links(block) and (first <= at <= last or _is_prose(block)))
        ]
        if _length(kept) >= (1 - _TOO_LITTLE / 2) * _length(own):
            return kept
    return own if _length(own) >= min(_A_TEXT, size / 2) else list(blocks)


def _matched(page: str, blocks: Sequence[Block]) -> list[int]:
    """Return which of the blocks trafilatura keeps; headings and code do not count."""
    text = _normal(_extracted(page))
    if not text:
        return []
    found = []
    for at, block in enumerate(blocks):
        words = "" if _NOTICE.search(block.text) and len(block.text) <= _A_TEXT else _normal(block.text)
        if block.kind in ("text", "item") and words and words[:_PROBE] in text and words[-_PROBE:] in text:
            found.append(at)
    return found


def _extracted(page: str) -> str:
    import trafilatura

    try:
        return trafilatura.extract(page, include_tables=True, include_comments=False, favor_recall=True) or ""
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return ""  # a page that breaks it is judged by its links alone


def _enough(blocks: Sequence[Block], matched: Sequence[int]) -> bool:
    counted = [block for block in blocks if block.kind in ("text", "item") and not _mere_links(block)]
    return _length([blocks[at] for at in matched]) >= _TOO_LITTLE * _length(counted)


def _is_prose(block: Block) -> bool:
    """Whether a block outside the article is text all the same, such as a footnote or a last remark."""
    if block.kind in ("heading", "table"):
        return False
    return block.kind == "code" or bool(
        _SENTENCE.search(block.text) and not block.linked and not _NOTICE.search(block.text)
    )


def _with_headings(blocks: Sequence[Block], first: int) -> int:
    """Return where the headings above the first block of the content begin."""
    start = first
    for at in range(first - 1, max(-1, first - 1 - _HEADINGS_BEFORE), -1):
        if blocks[at].kind == "heading":
            start = at
    while start and blocks[start - 1].kind in ("heading", "code", "table"):
        start -= 1
    return start


def _mere_links(block: Block) -> bool:
    one_row = block.kind == "table" and "\n" not in block.text
    return (block.kind in ("text", "item") or one_row) and block.linked > _MERE_LINKS


def _length(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _normal(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))
