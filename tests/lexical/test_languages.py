"""Languages of texts: told where the text is long enough to tell."""

import pytest

from search.lexical.analysis import language_of
from search.lexical.languages import detect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The keepers of the lighthouse light the lamp every evening.", "en"),
        ("Die Wärter des Leuchtturms zünden jeden Abend die Lampe an.", "de"),
        ("Los guardianes del faro encienden la lámpara cada noche.", "es"),
        ("灯塔的看守人每天晚上点亮灯。", "zh"),
        ("灯台の番人は毎晩ランプを灯します。", "ja"),
        ("x = f(y) + 1", ""),
        ("", ""),
    ],
)
def test_a_text_tells_its_language(text: str, expected: str) -> None:
    assert detect(text) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("en_GB", "en"),
        ("nb", "no"),
        ("German", "de"),
        ("deu", "de"),
        ("ja", "ja"),
        ("?", ""),
    ],
)
def test_languages_have_many_names(tag: str, expected: str) -> None:
    assert language_of(tag) == expected
