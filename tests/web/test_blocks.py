"""Texts as blocks to read, and places that stay right because everything shown is a slice of what is stored."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.retrieval.passages import Passage
from search.web.blocks import Block, blocks_of
from search.web.marking import marked

SIGNS = st.text(st.sampled_from(list("ab #*`[]()|-\n>1._~=\\")), max_size=120)


def shown(text: str, block: Block) -> list[list[str]]:
    return [["".join(text[run.start : run.end] for run in cell) for cell in row] for row in block.rows]


@pytest.mark.parametrize(
    ("text", "kind", "rows"),
    [
        ("# Bread ##", "heading", [["Bread"]]),
        ("Bread\n=====", "heading", [["Bread"]]),
        ("One line\nand another", "text", [["One line\nand another"]]),
        ("- flour\n- water\n  and salt", "list", [["flour"], ["water\n  and salt"]]),
        ("2. knead\n3. rest", "list", [["knead"], ["rest"]]),
        ("```python\na = 1  # not a heading\n\nb = 2\n```", "code", [["a = 1  # not a heading\n\nb = 2"]]),
        (">>> f(*args)\n1", "code", [[">>> f(*args)\n1"]]),
        ("> said\n> so", "quote", [["said\nso"]]),
        ("| a | b |\n|---|:-:|\n| 1 | x\\|y |", "table", [["a", "b"], ["1", "x\\|y"]]),
        ("Use **two** `signs` and *one* [link](https://x.org/a_(b))", "text", [["Use two signs and one link"]]),
        ("f(*args, **kwargs) is 2**3 * 4 * 5", "text", [["f(*args, **kwargs) is 2**3 * 4 * 5"]]),
        ("<b>bold</b> & <script>", "text", [["<b>bold</b> & <script>"]]),
    ],
)
def test_markdown_becomes_a_block_without_its_signs(text: str, kind: str, rows: list[list[str]]) -> None:
    (block,) = blocks_of(text)

    assert (block.kind, shown(text, block)) == (kind, rows)


def test_styles_and_links_are_told() -> None:
    text = "**a** `b` *c* [d](/e) ![f](g.png)"
    runs = blocks_of(text)[0].rows[0][0]
    styles = {text[run.start : run.end]: (run.strong, run.code, run.em, run.href) for run in runs}

    assert styles["a"] == (True, False, False, "")
    assert styles["b"] == (False, True, False, "")
    assert styles["c"] == (False, False, True, "")
    assert styles["d"] == (False, False, False, "/e")
    assert styles["f"] == (False, False, False, "")


def test_headings_leave_no_level_out() -> None:
    blocks = blocks_of("# a\n\n#### b\n\n###### c\n\n## d")

    assert [block.level for block in blocks] == [1, 2, 3, 2]


def test_pages_part_the_text() -> None:
    blocks = blocks_of("One.\nTwo.", [(0, "page 1"), (5, "page 2")])

    assert [block.label or shown("One.\nTwo.", block)[0][0] for block in blocks] == ["page 1", "One.", "page 2", "Two."]


def test_only_lines_that_a_margin_broke_flow() -> None:
    wrapped = "word " * 14 + "\n" + "word " * 14 + "\nend"

    assert blocks_of(wrapped)[0].flows
    assert not blocks_of("Roses are red,\nviolets are blue")[0].flows


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SIGNS)
def test_any_text_is_shown_in_its_order_and_no_word_is_lost(text: str) -> None:
    blocks = blocks_of(text)
    runs = [run for block in blocks for row in block.rows for cell in row for run in cell]

    assert all(0 <= run.start <= run.end <= len(text) for run in runs)
    assert all(before.end <= after.start for before, after in pairwise(runs))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SIGNS, st.lists(st.tuples(st.integers(0, 120), st.integers(0, 60), st.integers(0, 9)), max_size=4))
def test_marking_changes_no_character_and_begins_each_passage_once(
    text: str, drawn: list[tuple[int, int, int]]
) -> None:
    passages = []
    for start, size, word in drawn:
        first, end = min(start, len(text)), min(start + size, len(text))
        passages.append(Passage(first, end, ((first, min(first + word, end)),) if word and first < end else ()))
    blocks = blocks_of(text)
    done = marked(text, blocks, passages)
    pieces = [piece for block in done for row in block.rows for cell in row for piece in cell]

    for before, after in zip(blocks, done, strict=True):
        assert shown(text, before) == [["".join(piece.text for piece in cell) for cell in row] for row in after.rows]
    begun = [piece.passage for piece in pieces if piece.begins]
    assert len(begun) == len(set(begun))
    assert sum(piece.best for piece in pieces) <= 1


def test_a_passage_goes_over_blocks_and_has_its_words_marked() -> None:
    text = "Before.\n\n# Bread\n\nKnead **the dough** well."
    start, word = text.index("# Bread"), text.index("dough")
    done = marked(text, blocks_of(text), [Passage(start, len(text), ((word, word + 5),))])
    pieces = [(piece.text, piece.passage, piece.is_word) for block in done for piece in block.pieces]

    assert pieces == [
        ("Before.", 0, False),
        ("Bread", 1, False),
        ("Knead ", 1, False),
        ("the ", 1, False),
        ("dough", 1, True),
        (" well.", 1, False),
    ]
