"""A chunk's text is known by a hash that no other text has."""

import pytest

from search.chunking.base import TokenWindow, text_hash


def test_the_text_hash_is_half_of_a_sha256() -> None:
    # printf 'abc' | sha256sum
    assert text_hash("abc") == "ba7816bf8f01cfea414140de5dae2223"


@pytest.mark.parametrize("other", ["abc ", "Abc", "ab c", ""])
def test_another_text_has_another_hash(other: str) -> None:
    assert text_hash(other) != text_hash("abc")


def test_a_window_counts_a_text_s_tokens() -> None:
    window = TokenWindow(lambda text: [(at, at + 1) for at in range(len(text))], 10)

    assert (window.count("abc"), window.count("")) == (3, 0)
