"""What every chunker keeps: chunks fit the window, cover every token of a document, and are where they say."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search.chunking.base import BadChunkingOptions, Chunker, TokenWindow, text_hash
from search.chunking.coverage import coverage
from search.embedding.fake import FakeEncoder
from search.storable import storable

FAKE = FakeEncoder(window=40)

# Everything that files bring along: any code point with lone surrogates and NUL, scripts without spaces,
# writing from right to left, emoji of several code points, very long words, blank lines.
_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=30),
    st.sampled_from(
        [
            "\ud800",
            "\udfff\x00",
            "\x00" * 50,
            "👩‍👩‍👧‍👦🇩🇪",
            "検索は意味で探す。",
            "البحث الدلالي؟ نعم.",
            "ภาษาไทยไม่มีช่องว่าง",
        ]
    ),
    st.sampled_from(["A sentence ends here. ", 'He said: "Go!" Then he went. ', "\n\n", "\r\n\r\n", "\n", " \t ", "."]),
    st.tuples(
        st.sampled_from(["x", "é", "字", "_", "¶", "a1"]), st.sampled_from([90, 120, 999, 1_000, 1_001, 3_000])
    ).map(lambda pair: pair[0] * pair[1]),
)
TEXTS = st.lists(_PIECES, max_size=25).map("".join)
MARKDOWN = st.lists(
    st.sampled_from(
        ["# Guide\n", "## Install\n\n", "###### Deep\n", "```\n# no heading\n```\n", "~~~\n", "\n\n",
         "Some words follow here. ", "#hashtag ", "# \n", "Many more words, one sentence long. " * 6]
    ),
    max_size=20,
).map("".join)  # fmt: skip


def assert_sound(made: Chunker, title: str, body: str) -> None:
    """Fail unless the chunks of a document keep every promise."""
    chunks = made.split(title, body)
    clean_title, clean_body = storable(title), storable(body)
    spans = made.window.spans
    of_body = [chunk for chunk in chunks if chunk.end > chunk.start]
    of_title = chunks[: len(chunks) - len(of_body)]

    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all((chunk.start, chunk.end) == (0, 0) for chunk in of_title)
    assert chunks[len(of_title) :] == of_body
    assert [chunk.start for chunk in of_body] == sorted(chunk.start for chunk in of_body)
    ends = [chunk.end for chunk in of_body]
    assert all(end > before for before, end in itertools.pairwise(ends))
    for chunk in chunks:
        assert 0 <= chunk.start <= chunk.end <= len(body)
        assert chunk.tokens == len(spans(chunk.encoded_text)) <= made.window.size
        assert chunk.encoded_text.endswith(clean_body[chunk.start : chunk.end])
        assert chunk.text_hash == text_hash(chunk.encoded_text)
    covered = bytearray(len(body))
    for chunk in of_body:
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
    assert all(all(covered[start:end]) for start, end in spans(clean_body))
    assert coverage(body, [(chunk.start, chunk.end) for chunk in of_body]) == 1
    for chunk in of_body if not of_title and spans(clean_title) else []:
        assert chunk.encoded_text.startswith(f"{clean_title.strip()}\n")
    if of_title or not of_body:
        joined = "".join("".join(chunk.encoded_text.split()) for chunk in of_title)
        tokens = "".join("".join(clean_title[start:end].split()) for start, end in spans(clean_title))
        assert set(joined) >= set(tokens)
    assert bool(chunks) == bool(spans(clean_title) or spans(clean_body))


class ChunkerContract:
    """Subclass it as `Test<Name>` with the class of the chunker."""

    chunker: type[Chunker]

    def make(self, options: dict[str, Any] | None = None) -> Chunker:
        """Return the chunker for the fake encoder's window."""
        return self.chunker(TokenWindow(FAKE.token_spans, FAKE.window_tokens), options or {})

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(title=TEXTS, body=st.one_of(TEXTS, MARKDOWN), max_tokens=st.one_of(st.none(), st.integers(16, 60)))
    @example(title="\ud800", body="\udfff", max_tokens=None)
    @example(title="x" * 3_000 + " word" * 40, body="text", max_tokens=16)
    @example(title="", body=" \n\t\x00 ", max_tokens=None)
    def test_any_text_gives_sound_chunks(self, title: str, body: str, max_tokens: int | None) -> None:
        assert_sound(self.make({"max_tokens": max_tokens}), title, body)

    def test_the_same_text_gives_the_same_chunks(self) -> None:
        body = "# One\n\n" + "A sentence of some words. " * 40

        assert self.make().split("Title", body) == self.make().split("Title", body)

    def test_a_document_without_text_has_no_chunk(self) -> None:
        assert self.make().split("", " \n ") == []

    def test_a_title_alone_is_a_chunk(self) -> None:
        (chunk,) = self.make().split("Only a title", "")

        assert (chunk.start, chunk.end, chunk.encoded_text) == (0, 0, "Only a title")

    @pytest.mark.parametrize(
        "options",
        [{"max_tokens": 3}, {"max_tokens": "many"}, {"title_share": 0.9}, {"unknown": 1}, {"max_tokens": True}],
    )
    def test_options_that_cannot_be_used_are_named(self, options: dict[str, Any]) -> None:
        with pytest.raises(BadChunkingOptions, match=next(iter(options))):
            self.make(options)

    def test_another_size_is_another_fingerprint(self) -> None:
        assert self.make().fingerprint != self.make({"max_tokens": 20}).fingerprint
        assert self.make().fingerprint == self.make({"max_tokens": None}).fingerprint
