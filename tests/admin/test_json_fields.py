"""JSON in forms: what cannot be stored is refused with the place and the reason."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.forms import Form

from search.admin.json_fields import JsonObjectField, parsed


class OptionsForm(Form):
    options = JsonObjectField(required=False)


@pytest.mark.parametrize("text", ["", "  \n ", "{}"])
def test_nothing_is_the_empty_object(text: str) -> None:
    assert parsed(text) == {}


def test_an_object_is_read() -> None:
    assert parsed('{"a": [1, 2.5, "é", null, true]}') == {"a": [1, 2.5, "é", None, True]}


def test_broken_json_is_refused_with_line_and_column() -> None:
    with pytest.raises(ValidationError, match="line 2, column 6"):
        parsed('{"a": 1,\n "b" 2}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": ' + "9" * 5_000 + "}", "cannot be stored"),
        ("[" * 100_000, "cannot be stored"),
    ],
)
def test_what_a_database_cannot_hold_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        parsed(text)


@pytest.mark.parametrize("text", ['{"a": ', '{"a": ' + "9" * 5_000 + "}", '{"a": NaN}'])
def test_a_refused_text_is_shown_again_as_it_was_typed(text: str) -> None:
    form = OptionsForm({"options": text})

    assert not form.is_valid()
    assert form["options"].value() == text


def test_a_value_is_shown_readably() -> None:
    form = OptionsForm(initial={"options": {"team": "Verkäufe"}})

    assert form["options"].value() == '{\n  "team": "Verkäufe"\n}'


@pytest.mark.parametrize(
    ("initial", "text", "changed"),
    [
        ({"a": 1}, '{ "a":1 }', False),
        ({"a": 1}, '{"a": 2}', True),
        ({}, "", False),
        (None, "{}", False),
        ({}, "{", True),
    ],
)
def test_only_a_different_value_is_a_change(initial: Any, text: str, changed: bool) -> None:
    form = OptionsForm({"options": text}, initial={"options": initial})

    assert form.has_changed() is changed
