"""Snippets show the part that answers, mark exactly the words that match, and never cut one in two."""

import time

from hypothesis import given
from hypothesis import strategies as st

from search.datatypes import Snippet
from search.lexical.analysis import forms, pieces
from search.retrieval.highlighting import snippet
from search.retrieval.query_words import QueryWords

FILLER = "Nothing of interest is said in this sentence at all. "


def analyze(text: str) -> list[str]:
    """Return the terms of a text in English."""
    return [form for piece in pieces(text) for form in forms(piece.surface, "en")]


def cut(text: str, query: str, start: int = 0, end: int | None = None) -> Snippet:
    """Return the snippet of a text for a query."""
    return snippet(text, start, len(text) if end is None else end, QueryWords(analyze(query), analyze))


def marked(found: Snippet) -> list[str]:
    """Return the words that are highlighted."""
    return [found.text[start:end] for start, end in found.highlights]


def test_a_short_text_is_shown_whole_with_its_matches_marked() -> None:
    found = cut("Wait for several threads.", "thread waiting")

    assert found.text == "Wait for several threads."
    assert found.highlights == ((0, 4), (17, 24))


def test_accents_and_endings_are_marked_as_they_are_found() -> None:
    assert marked(cut("Die Crèmes brûlées, CRÈME!", "creme brulee")) == ["Crèmes", "brûlées", "CRÈME"]


def test_a_name_with_underscores_is_marked_whole() -> None:
    assert marked(cut("Call thread_pool_size() now.", "pool")) == ["thread_pool_size"]


def test_emoji_before_a_match_do_not_move_its_offsets() -> None:
    found = cut("👩‍👩‍👧‍👦 🇩🇪 字 threads", "thread")

    assert marked(found) == ["threads"]


def test_only_the_chunk_s_range_is_shown() -> None:
    text = "First part threads. Second part threads. Third."

    found = cut(text, "threads", 20, 40)

    assert (found.text, marked(found)) == ("… Second part threads. …", ["threads"])


def test_ranges_beyond_the_text_show_what_there_is() -> None:
    assert cut("Short.", "x", 2, 1_000).text == "… ort."
    assert cut("Short.", "x", 50, 60).text in ("", "… ")
    assert cut("", "x").text == ""


def test_lines_are_joined() -> None:
    found = cut("One\ntwo\n\nthreads\tfour", "threads")

    assert (found.text, marked(found)) == ("One two  threads four", ["threads"])


def test_leading_space_is_left_out() -> None:
    assert cut("   \n threads", "threads") == Snippet("threads", ((0, 7),), "words")


def test_the_window_with_the_most_distinct_terms_is_shown() -> None:
    text = "Threads threads threads threads. " + FILLER * 12 + "Some threads hold a lock. " + FILLER * 12

    found = cut(text, "threads lock")

    assert "Some threads hold a lock." in found.text
    assert found.text.startswith("… ") and found.text.endswith(" …")
    assert len(found.text) <= 324


def test_without_a_match_the_beginning_is_shown() -> None:
    text = "The beginning. " + FILLER * 20

    found = cut(text, "unheardof")

    assert found.text.startswith("The beginning. ") and found.text.endswith(" …")
    assert found.highlights == ()


def test_a_match_at_the_very_end_is_shown() -> None:
    found = cut(FILLER * 20 + "Finally threads", "threads")

    assert found.text.endswith("Finally threads")
    assert marked(found) == ["threads"]


def test_cut_ends_are_between_words() -> None:
    text = "antidisestablishmentarianism " * 60

    shown = cut(text[:800] + "threads " + text[800:], "threads").text.strip("… ")

    assert set(shown.split()) <= {
        "antidisestablishmentarianism",
        "threads",
        *text[780:800].split(),
        *text[800:].split(),
    }


def test_text_without_spaces_is_cut_all_the_same() -> None:
    found = cut("字" * 5_000, "x")

    assert len(found.text) <= 324 and found.text.endswith(" …")


def test_a_book_is_cut_in_a_moment() -> None:
    book = FILLER * 200_000
    begun = time.perf_counter()

    found = cut(book, "interest sentence")

    assert time.perf_counter() - begun < 1
    assert set(marked(found)) == {"interest", "sentence"}


def test_no_words_to_look_for_mark_nothing() -> None:
    assert cut("Wait for threads.", "!?") == Snippet("Wait for threads.")


def test_pieces_give_the_text_in_order() -> None:
    found = Snippet("a <b> c", ((2, 5),))

    assert found.pieces == [("a ", False), ("<b>", True), (" c", False)]
    assert Snippet("all", ((0, 3),)).pieces == [("all", True)]
    assert Snippet("").pieces == []


_TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(["threads ", "lock. ", "\n\n", "word " * 30, "字" * 100, "e\u0301 ", "x" * 400]),
    ),
    max_size=30,
).map("".join)


@given(text=_TEXTS, query=st.sampled_from(["threads", "lock threads", "word", "é", "nothing"]), data=st.data())
def test_any_part_of_any_text_gives_exact_offsets(text: str, query: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    terms = set(analyze(query))

    found = cut(text, query, start, end)

    shown = found.text.removeprefix("… ").removesuffix(" …") if found.text not in ("…", "… ") else ""
    assert len(found.text) <= 324
    assert len(shown) <= 320
    assert "".join(piece for piece, _ in found.pieces) == found.text
    assert all(0 <= a < b <= len(found.text) for a, b in found.highlights)
    assert list(found.highlights) == sorted(found.highlights)
    assert all(terms & set(analyze(word)) for word in marked(found))


def test_in_scripts_without_spaces_only_what_matches_is_marked() -> None:
    assert marked(cut("黒い猫が公園で遊んでいます。", "猫")) == ["猫"]
    assert marked(cut("我们在公园里看到了一只黑色的狗。", "黑色的狗")) == ["黑色的狗"]


def test_signs_of_headings_are_left_out_and_the_marks_stay_on_their_words() -> None:
    text = "# Parental leave\n\n## Time with the children\n\nTell us of the leave. #1 and C# stay."
    found = cut(text, "leave children")
    assert found.text == "Parental leave  Time with the children  Tell us of the leave. #1 and C# stay."
    assert marked(found) == ["leave", "children", "leave"]
    assert cut(text, "leave", start=2).text.startswith("… Parental leave  Time")


def test_signs_of_markdown_are_left_out_and_the_marks_stay_on_their_words() -> None:
    text = (
        "> Ask for **annual leave** and `leave_days` on [the leave page](https://x.org/leave), *in time*.\n\n"
        "- leave first\n* then rest\n\n| kind | days |\n|---|:-:|\n| `leave` | 30 |\n\n"
        "```sh\n# leave | - stays *as* it is\n```\n2 * 3 * leave **kwargs a|b"
    )
    found = cut(text, "leave")
    assert " ".join(found.text.split()) == (
        "Ask for annual leave and leave_days on the leave page, in time. • leave first • then rest "
        "• kind · days • leave · 30 # leave | - stays *as* it is 2 * 3 * leave **kwargs a|b"
    )
    assert marked(found) == ["leave", "leave_days", "leave", "leave", "leave", "leave", "leave"]


SIGNS = [
    "**",
    "*",
    "`",
    "[",
    "](x)",
    "# ",
    "- ",
    "| ",
    " |",
    "|---|",
    "```",
    "\n",
    "\n\n",
    " ",
    "lamp",
    "lamps",
    "other",
]


@given(st.lists(st.sampled_from(SIGNS), max_size=40).map("".join), st.integers(0, 60), st.integers(0, 200))
def test_whatever_signs_there_are_only_words_of_the_query_are_marked(text: str, start: int, length: int) -> None:
    found = cut(text, "lamp", min(start, len(text)), min(len(text), start + length))
    assert all("lamp" in word for word in marked(found))
    assert "".join(piece for piece, _ in found.pieces) == found.text


def test_an_identifier_is_marked_whole() -> None:
    assert marked(cut("The error E-4711 and E 4711, not 4711-B.", "E-4711")) == ["E-4711", "E", "4711", "4711"]
    assert marked(cut("Release v2.1.0 and INV/2024/17.", "v2.1.0 INV/2024/17")) == ["v2.1.0", "INV/2024/17"]
    assert marked(cut("A well-known lamp.", "well known")) == ["well", "known"]
