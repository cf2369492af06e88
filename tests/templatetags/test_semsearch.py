"""How values are written on the pages."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from search.indexing.status import Stage
from search.templatetags.semsearch import (
    chips,
    grouped,
    level,
    mode_name,
    safe_link,
    source_name,
    stage_name,
    strength_name,
    why_found,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=c#d",
        "http://example.org",
        "HTTPS://EXAMPLE.ORG",
        "mailto:a@example.org",
        "/relative",
        "relative/path",
        "page.html#part:2",
        "?q=a:b",
        "#part",
        "//example.org/x",
    ],
)
def test_harmless_addresses_are_linked(url: str) -> None:
    assert safe_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "javascript&colon;alert(1):",
        "1javascript:x",
        "http://[",
        "blob:https://example.org/x",
    ],
)
def test_other_addresses_are_not_linked(url: str) -> None:
    assert safe_link(url) == ""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.example.org/a/b%20c/?q=1#x", "example.org › a › b c"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("http://[", "http://["),
    ],
)
def test_a_source_is_named_by_host_and_path(url: str, name: str) -> None:
    assert source_name(url) == name


def test_chips_show_plain_values_and_leave_out_nested_and_empty_ones() -> None:
    metadata = {"a": 1, "b": True, "c": ["x", "y"], "d": {"nested": 1}, "e": "", "f": None, "g": "z" * 100}

    assert chips(metadata) == [("a", "1"), ("b", "yes"), ("c", "x, y"), ("g", "z" * 47 + "…")]


def test_numbers_have_thousands_separators() -> None:
    assert grouped(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("strength", "ticks", "words"),
    [("strong", 3, "Strong match"), ("possible", 2, "Possible match"), ("weak", 1, "Weak match")],
)
def test_strength_is_shown_in_ticks_and_words(strength: str, ticks: int, words: str) -> None:
    result = cast(Any, SimpleNamespace(strength=strength))
    assert (level(result), strength_name(result)) == (ticks, words)


@pytest.mark.parametrize(
    ("dense", "lexical", "words"), [(0.5, 2.0, "meaning and words"), (0.5, None, "meaning"), (None, 2.0, "words")]
)
def test_why_found_names_the_ways_that_found_it(dense: float | None, lexical: float | None, words: str) -> None:
    assert why_found(cast(Any, SimpleNamespace(dense_score=dense, lexical_score=lexical))) == words


def test_an_unknown_mode_is_called_by_its_own_name() -> None:
    assert mode_name("telepathy") == "telepathy"


@pytest.mark.parametrize("stage", list(Stage))
def test_every_indexing_stage_has_a_name(stage: Stage) -> None:
    assert stage_name(stage)
