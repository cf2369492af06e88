"""What cannot be stored is replaced, and nothing is moved by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.storable import storable, storable_json

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain 字 👩‍👧", "plain 字 👩‍👧"),
        ("a\x00b", "a b"),
        ("a\ud800", "a\ufffd"),
        ("\udfff\x00", "\ufffd "),
    ],
)
def test_nul_becomes_a_space_and_a_lone_surrogate_the_replacement_character(text: str, expected: str) -> None:
    assert storable(text) == expected


@given(text=ANY_TEXT)
def test_any_text_keeps_its_length_and_can_be_encoded(text: str) -> None:
    result = storable(text)

    assert len(result) == len(text)
    assert "\x00" not in result
    assert result.encode().decode() == result
    assert storable(result) == result


def test_every_string_of_a_json_value_is_cleaned_keys_included() -> None:
    value = {"a\x00": ["\ud800", {"b": ("c\x00", 1, None, True, 1.5)}]}

    assert storable_json(value) == {"a ": ["\ufffd", {"b": ["c ", 1, None, True, 1.5]}]}
