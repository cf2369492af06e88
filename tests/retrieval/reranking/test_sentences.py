"""Sentences are found by how texts are written, never lost, and never longer than can be read."""

from hypothesis import given
from hypothesis import strategies as st

from search.retrieval.reranking.sentences import sentences


def texts(body: str, start: int = 0, end: int | None = None, most: int = 50) -> list[str]:
    """Return the sentences of a text."""
    return [body[first:last] for first, last in sentences(body, start, len(body) if end is None else end, most)]


def test_sentences_end_where_they_are_ended() -> None:
    body = "Bees make honey.  'Do ships sail?' They asked twice!\n\nA heading\n\n"
    body += "我们在公园里看到了一只狗。它是黑色的，非常大的狗。"
    assert texts(body) == [
        "Bees make honey.", "'Do ships sail?'", "They asked twice!", "A heading\n\n我们在公园里看到了一只狗。",
        "它是黑色的，非常大的狗。",
    ]  # fmt: skip


def test_what_is_too_short_goes_with_what_follows_and_only_as_many_as_wanted_are_told() -> None:
    assert texts("Mr. A. Smith went home early. He slept. He woke up again late.", most=1) == [
        "Mr. A. Smith went home early."
    ]


@given(st.text(alphabet="ab .!?\n。x", max_size=400), st.integers(0, 50), st.integers(0, 400))
def test_nothing_but_space_is_left_out(body: str, start: int, end: int) -> None:
    end = min(max(start, end), len(body))
    found = sentences(body, start, end, 1_000)
    assert "".join("".join(body[first:last].split()) for first, last in found) == "".join(body[start:end].split())
    assert found == sorted(found) and all(start <= first < last <= end for first, last in found)
