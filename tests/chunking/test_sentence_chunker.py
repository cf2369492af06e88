"""Chunks fit the encoder's window, cover everything, and end where a reader would pause."""

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.chunking.base import BadChunkingOptions, TokenWindow
from search.chunking.sentence_chunker import SentenceChunker
from search.datatypes import TextChunk
from search.embedding.sentence_transformer import SentenceTransformerEncoder
from tests.chunking.contract import FAKE, TEXTS, ChunkerContract, assert_sound


def chunker(options: dict[str, Any] | None = None, encoder: Any = FAKE) -> SentenceChunker:
    """Return a chunker for the encoder's window."""
    return SentenceChunker(TokenWindow(encoder.token_spans, encoder.window_tokens), options or {})


def texts_of(chunks: list[TextChunk], body: str) -> list[str]:
    """Return the pieces of the body that the chunks stand for."""
    return [body[chunk.start : chunk.end] for chunk in chunks]


def words(first: int, last: int, end: str = "") -> str:
    """Return numbered words, each one token: `w1 w2 w3`, with `end` after the last."""
    return " ".join(f"w{number}" for number in range(first, last + 1)) + end


# --- What holds for any text


class TestSentence(ChunkerContract):
    """The default keeps the contract."""

    chunker = SentenceChunker


@settings(max_examples=100, deadline=None)
@given(
    body=TEXTS,
    title=TEXTS,
    max_tokens=st.integers(16, 60),
    overlap_tokens=st.integers(0, 100),
    title_share=st.floats(0, 0.5),
)
def test_any_options_give_sound_chunks(
    title: str, body: str, max_tokens: int, overlap_tokens: int, title_share: float
) -> None:
    options = {"max_tokens": max_tokens, "overlap_tokens": overlap_tokens, "title_share": title_share}

    assert_sound(chunker(options), title, body)


@settings(max_examples=60, deadline=None)
@given(title=TEXTS, body=TEXTS)
@example(title="", body="x" * 999 + " " + "y" * 5_000)
@example(title="x" * 3_000 + " " + "word " * 80, body="text")
def test_any_text_gives_sound_chunks_with_the_real_tokenizer(
    title: str, body: str, real_encoder: SentenceTransformerEncoder
) -> None:
    assert_sound(chunker(encoder=real_encoder), title, body)


@settings(max_examples=50, deadline=None)
@given(title=TEXTS, body=TEXTS)
def test_the_same_document_gives_the_same_chunks(title: str, body: str) -> None:
    assert chunker().split(title, body) == chunker().split(title, body)


# --- Borders


def test_a_text_that_fits_is_one_chunk_with_the_title_before_it() -> None:
    (chunk,) = chunker().split("The title", "  A short body. Two sentences. ")

    assert chunk == TextChunk(0, 2, 30, 9, "The title\nA short body. Two sentences.", chunk.text_hash)


def test_a_chunk_ends_at_the_end_of_a_paragraph_in_its_second_half() -> None:
    body = words(1, 15, ".") + " " + words(16, 24, ".") + "\n\n" + words(25, 30, ".") + " " + words(31, 60, ".")

    first, second = texts_of(chunker().split("", body), body)[:2]

    assert first == words(1, 15, ".") + " " + words(16, 24, ".")
    assert second.startswith("w25 ")


def test_a_paragraph_s_end_in_the_first_half_makes_no_small_chunk() -> None:
    body = words(1, 5, ".") + "\n\n" + words(6, 30, ".") + " " + words(31, 60, ".")

    assert texts_of(chunker().split("", body), body)[0] == words(1, 5, ".") + "\n\n" + words(6, 30, ".")


@pytest.mark.parametrize("end", [".", "!", "?", '."', ".)", "…", "?”"])
def test_a_chunk_ends_with_a_sentence_when_no_paragraph_does(end: str) -> None:
    body = words(1, 30, end) + " " + words(31, 70, ".")

    assert texts_of(chunker().split("", body), body)[0] == words(1, 30, end)


def test_a_sentence_of_a_script_without_spaces_ends_where_its_stop_is() -> None:
    body = "".join("字" * 1 + "、" for _ in range(14)) + "字。" + "字、" * 30

    assert texts_of(chunker().split("", body), body)[0].endswith("。")


def test_a_line_s_end_counts_as_a_sentence_s_end() -> None:
    body = words(1, 30) + "\n" + words(31, 70)

    assert texts_of(chunker().split("", body), body)[0] == words(1, 30)


def test_a_chunk_never_ends_inside_a_word_when_there_are_spaces() -> None:
    body = "-".join(["ab"] * 10) + " " + "-".join(["cd"] * 30) + " " + "-".join(["ef"] * 5)

    assert texts_of(chunker({"overlap_tokens": 0}).split("", body), body)[0] == "-".join(["ab"] * 10)


def test_a_word_longer_than_the_window_is_cut_and_loses_nothing() -> None:
    body = "-".join(["ab"] * 100)

    pieces = texts_of(chunker({"overlap_tokens": 0}).split("", body), body)

    assert "".join(pieces) == body
    assert len(pieces) == 5


# --- Overlap


def test_a_chunk_begins_with_the_last_words_of_the_one_before() -> None:
    body = words(1, 100)

    pieces = texts_of(chunker({"overlap_tokens": 5}).split("", body), body)

    assert pieces == [words(1, 40), words(36, 75), words(71, 100)]


def test_an_overlap_begins_with_a_sentence_if_one_begins_there() -> None:
    body = words(1, 33, ".") + " " + words(34, 37, ".") + " " + words(38, 80, ".")

    assert texts_of(chunker({"overlap_tokens": 8}).split("", body), body)[1].startswith("w34 ")


def test_there_is_no_overlap_over_a_paragraph_s_end() -> None:
    body = words(1, 30, ".") + "\n\n" + words(31, 60, ".")

    assert texts_of(chunker({"overlap_tokens": 10}).split("", body), body)[1] == words(31, 60, ".")


def test_without_overlap_every_token_is_in_one_chunk_only() -> None:
    body = words(1, 100)

    assert texts_of(chunker({"overlap_tokens": 0}).split("", body), body) == [
        words(1, 40),
        words(41, 80),
        words(81, 100),
    ]


def test_prose_before_a_word_longer_than_the_window_is_not_repeated_over_and_over() -> None:
    body = words(1, 40) + " " + "-".join(["ab"] * 200)

    chunks = chunker({"overlap_tokens": 20}).split("", body)

    assert len({chunk.end for chunk in chunks}) == len(chunks)


def test_long_opaque_words_are_not_repeated_over_and_over() -> None:
    body = " ".join(f"{number:0>100}" for number in range(200))

    chunks = chunker({"overlap_tokens": 20}).split("", body)

    assert sum(chunk.end - chunk.start for chunk in chunks) <= 2.1 * len(body)


# --- Title


def test_the_title_is_carried_into_every_chunk() -> None:
    chunks = chunker({"overlap_tokens": 0}).split(" Installing on Linux ", words(1, 100))

    assert len(chunks) == 3
    assert all(chunk.encoded_text.startswith("Installing on Linux\nw") for chunk in chunks)


def test_a_title_without_a_body_is_one_chunk_without_a_place_in_the_body() -> None:
    (chunk,) = chunker().split("Only a title", " \n ")

    assert (chunk.start, chunk.end, chunk.encoded_text) == (0, 0, "Only a title")


def test_a_title_too_long_to_be_carried_is_carried_in_part_and_has_chunks_of_its_own() -> None:
    title = words(1, 50)

    chunks = chunker({"overlap_tokens": 0}).split(title, "Body.")

    assert [chunk.encoded_text for chunk in chunks] == [words(1, 40), words(41, 50), words(1, 10) + "\nBody."]
    assert [(chunk.start, chunk.end) for chunk in chunks] == [(0, 0), (0, 0), (0, 5)]


def test_with_a_title_share_of_zero_the_title_has_its_own_chunk_only() -> None:
    chunks = chunker({"title_share": 0}).split("The title", "Body.")

    assert [chunk.encoded_text for chunk in chunks] == ["The title", "Body."]


@pytest.mark.parametrize("text", ["", " ", "\n\t \n", "\x00", "\u200b\u2003"])
def test_nothing_to_read_gives_no_chunk(text: str, real_encoder: SentenceTransformerEncoder) -> None:
    assert chunker(encoder=real_encoder).split(text, text) == []


# --- Size


def test_a_megabyte_without_spaces_takes_seconds(real_encoder: SentenceTransformerEncoder) -> None:
    begun = time.perf_counter()

    chunks = chunker(encoder=real_encoder).split("Blob", "Zm9v" * 250_000)

    assert time.perf_counter() - begun < 15
    assert chunks[-1].end == 1_000_000
    assert max(chunk.end - chunk.start for chunk in chunks) <= 16 * real_encoder.window_tokens


def test_a_megabyte_of_prose_takes_seconds(real_encoder: SentenceTransformerEncoder) -> None:
    sentence = "The quick brown fox jumps over the lazy dog, and nobody in the village remembers why it did. "
    body = sentence * (1_000_000 // len(sentence))
    begun = time.perf_counter()

    chunks = chunker(encoder=real_encoder).split("Foxes", body)

    assert time.perf_counter() - begun < 30
    assert len(chunks) > 800


# --- Options


def test_max_tokens_bounds_a_chunk_with_its_title() -> None:
    chunks = chunker({"max_tokens": 20}).split("The title", words(1, 100))

    assert max(chunk.tokens for chunk in chunks) == 20


def test_max_tokens_beyond_the_window_means_the_window() -> None:
    assert chunker({"max_tokens": 10_000}).split("", words(1, 100)) == chunker().split("", words(1, 100))


def test_an_option_that_is_null_means_its_default() -> None:
    nulls = chunker({"max_tokens": None, "overlap_tokens": None})

    assert nulls.fingerprint == chunker().fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_token": 100}, "'max_token'; known: max_tokens, overlap_tokens, title_share"),
        ({"max_tokens": 15}, "max_tokens is 15; .* at least 16"),
        ({"max_tokens": "100"}, "max_tokens is '100'"),
        ({"max_tokens": True}, "max_tokens is True"),
        ({"overlap_tokens": -1}, "overlap_tokens is -1"),
        ({"overlap_tokens": 1.5}, "overlap_tokens is 1.5"),
        ({"title_share": 0.6}, "title_share is 0.6; .* from 0 to 0.5"),
        ({"title_share": float("nan")}, "title_share is nan"),
        ({"title_share": None}, "title_share is None"),
    ],
)
def test_options_that_cannot_be_used_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadChunkingOptions, match=message):
        chunker(options)


@pytest.mark.parametrize("options", [{"max_tokens": 20}, {"overlap_tokens": 3}, {"title_share": 0.5}])
def test_another_option_is_another_fingerprint(options: dict[str, Any]) -> None:
    assert chunker(options).fingerprint != chunker().fingerprint
