"""Chunks keep to sections, and carry the headings above them."""

from typing import Any

from search.chunking.base import TokenWindow
from search.chunking.heading_chunker import HeadingChunker
from search.chunking.sentence_chunker import SentenceChunker
from tests.chunking.contract import FAKE, ChunkerContract
from tests.chunking.test_sentence_chunker import texts_of, words

GUIDE = f"""{words(1, 8, ".")}

# Guide

## Install

{words(10, 19, ".")}

## Use

{words(20, 29, ".")}
"""


def wide(**options: Any) -> HeadingChunker:
    """Return the chunker for a window of 120 tokens."""
    return HeadingChunker(TokenWindow(FAKE.token_spans, 120), options)


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

    def test_a_tiny_section_goes_with_its_first_subsection(self) -> None:
        body = f"# Guide\nIn short.\n## Install\n{words(1, 30, '.')}"

        (chunk,) = wide(title_share=0.5).split("", body)

        assert chunk.encoded_text == f"Guide > Install\n{body}"

    def test_a_tiny_section_is_not_said_to_be_part_of_the_one_after_it(self) -> None:
        body = f"# A\nTiny.\n# B\n{words(1, 20, '.')}"

        chunks = wide().split("", body)

        assert [chunk.encoded_text.split("\n")[0] for chunk in chunks] == ["A", "B"]

    def test_tiny_neighbours_go_together_under_what_is_above_both(self) -> None:
        body = f"# Log\n## 1.1\nFix.\n## 1.0\nNew.\n# Rest\n{words(1, 40, '.')}"

        first, *others = wide().split("", body)

        assert first.encoded_text == "Log\n" + body[: body.index("\n# Rest")]
        assert all(chunk.encoded_text.startswith("Rest\n") for chunk in others)

    def test_headings_alone_are_chunks_too(self) -> None:
        body = "\n".join(f"# Heading{number}" for number in range(50))

        chunks = self.make().split("", body)

        assert "".join(texts_of(chunks, body)).count("Heading") == 50

    def test_a_heading_of_a_megabyte_is_cut_and_carried_nowhere(self) -> None:
        body = f"# {'word ' * 200_000}\n## Near\n{words(1, 20, '.')}"

        last = self.make({"title_share": 0.5}).split("", body)[-1]

        assert last.encoded_text.startswith("Near\n")

    def test_title_and_headings_leave_half_of_a_chunk_to_its_text(self) -> None:
        body = f"# {words(1, 9)}\n## {words(11, 19)}\n{words(20, 90, '.')}"

        chunks = self.make({"title_share": 0.5}).split(words(1, 15), body)

        assert max(chunk.end - chunk.start for chunk in chunks[:-1]) >= len(words(20, 38))
