"""Tags of languages: what is one, and what files write in their place."""

import pytest

from search.language_tags import is_language_tag, language_tag

GOOD = ["en", "pt-BR", "zh-Hant-TW", "sl-rozaj-biske", "de-CH-1901", "es-419", "en-u-ca-buddhist", "x-klingon", "und"]
BAD = ["", "e", "english", "Deutsch", "en_GB", "en-", "-en", "en--GB", "en-a", "en GB", "en-x", "日本", "a-DE"]


def test_well_formed_tags_are_told_from_others() -> None:
    assert [tag for tag in GOOD if not is_language_tag(tag)] == []
    assert [tag for tag in BAD if is_language_tag(tag)] == []
    assert not is_language_tag("en-" + "-".join(["abcde"] * 6))


@pytest.mark.parametrize(
    ("written", "tag"),
    [("de_at", "de-AT"), ("EN-us.UTF-8", "en-US"), ("zh-hant", "zh-Hant"), ("und", ""), ("english", ""), (None, "")],
)
def test_what_files_write_is_brought_to_a_tag(written: object, tag: str) -> None:
    assert language_tag(written) == tag
