"""Chunks keep to sections, and carry the headings above them."""

import pytest

from search.chunking.heading_chunker import HeadingChunker, Section, sections
from search.chunking.sentence_chunker import SentenceChunker
from tests.chunking.contract import ChunkerContract
from tests.chunking.test_sentence_chunker import texts_of, words

GUIDE = f"""{words(1, 8, ".")}

# Guide

## Install

{words(10, 19, ".")}

## Use

{words(20, 29, ".")}
"""


class TestHeading(ChunkerContract):
    """Keeps the contract."""

    chunker = HeadingChunker

    def test_no_chunk_holds_parts_of_two_sections(self) -> None:
        chunks = self.make().split("", GUIDE)

        first, install, use = texts_of(chunks, GUIDE)
        assert ("w8." in first, "w19." in install, "w29." in use) == (True, True, True)
        assert install.startswith("# Guide")  # a heading without text of its own goes with what follows

    def test_the_headings_above_a_chunk_are_encoded_with_it(self) -> None:
        chunks = self.make({"title_share": 0.5}).split("Handbook", GUIDE)

        heads = [chunk.encoded_text[: -(chunk.end - chunk.start)] for chunk in chunks]
        assert heads == ["Handbook\n", "Handbook\nGuide > Install\n", "Handbook\nGuide > Use\n"]

    def test_every_chunk_of_a_long_section_carries_its_headings(self) -> None:
        body = f"# Guide\n## Install\n{words(1, 90, '.')}"

        chunks = self.make({"max_tokens": 30, "title_share": 0.5}).split("", body)

        assert len(chunks) > 3
        assert all(chunk.encoded_text.startswith("Guide > Install\n") for chunk in chunks)

    def test_headings_that_do_not_fit_leave_out_the_farthest(self) -> None:
        body = f"# {words(1, 6)}\n## Near\n{words(10, 30, '.')}"

        chunks = self.make({"max_tokens": 30}).split("", body)

        assert all(chunk.encoded_text.startswith("Near\n") for chunk in chunks)

    def test_a_text_without_headings_is_packed_as_sentences_are(self) -> None:
        body = words(1, 90, ".")

        sentences = SentenceChunker(self.make().window, {}).split("T", body)
        assert self.make().split("T", body) == sentences


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("text", [Section(0, 4)]),
        ("# A\nx\n# B\ny", [Section(0, 6, ("A",)), Section(6, 11, ("B",))]),
        ("x\n## A ##\n", [Section(0, 2), Section(2, 10, ("A",))]),
        ("# A\n### B\n## C\n", [Section(0, 4, ("A",)), Section(4, 10, ("A", "B")), Section(10, 15, ("A", "C"))]),
        ("```\n# A\n```\n# B", [Section(0, 12), Section(12, 15, ("B",))]),
        ("~~~\n# A\n", [Section(0, 8)]),
        ("````\n```\n# A\n````\n# B", [Section(0, 18), Section(18, 21, ("B",))]),
        ("#no\n    # code\n#\n", [Section(0, 17)]),
        ("# A\r\nx", [Section(0, 6, ("A",))]),
    ],
)
def test_sections_are_those_of_markdown(body: str, expected: list[Section]) -> None:
    assert sections(body) == expected
