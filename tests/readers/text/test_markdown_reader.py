"""Markdown: front matter becomes metadata, everything else stays as it was written."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits
from search.readers.text.markdown_reader import MarkdownReader, first_heading
from tests.readers.contract import ReaderContract
from tests.readers.samples import markdown


class TestMarkdownReader(ReaderContract):
    name = "bread.md"

    def make_reader(self, limits: Limits | None = None) -> MarkdownReader:
        return MarkdownReader(limits)

    def sample(self) -> bytes:
        return markdown("title: Baking\ntags: [a, b]\ndate: 2024-03-01")

    def expected(self) -> list[Mapping[str, Any]]:
        metadata = {"format": "markdown", "published": "2024-03-01", "tags": ["a", "b"]}
        return [{"title": "Baking", "body": "# Bread\n\nFlour and water.\n", "metadata": metadata}]


def values(content: bytes | str) -> dict[str, Any]:
    raw = content.encode() if isinstance(content, str) else content
    [record] = MarkdownReader().read(io.BytesIO(raw), PurePosixPath("notes/my bread.md"))
    return dict(record.values)


def test_front_matter_in_yaml_gives_fields_and_metadata() -> None:
    front = (
        "Title: 'Sourdough: a start'\nlang: de_at\nauthor: Ada Lovelace\nupdated: 2024-03-01 12:30:00\n"
        "canonical_url: https://example.org/bread\ndraft: true\nnested: {when: 2024-03-02, ratio: .inf}\n7: seven"
    )
    found = values(markdown(front))
    assert found.pop("metadata") == {
        "authors": ["Ada Lovelace"],
        "modified": "2024-03-01T12:30:00",
        "draft": True,
        "nested": {"when": "2024-03-02", "ratio": "inf"},
        "7": "seven",
        "format": "markdown",
    }
    assert found.pop("body") == "# Bread\n\nFlour and water.\n"
    assert found == {"title": "Sourdough: a start", "language": "de-AT", "url": "https://example.org/bread"}


def test_front_matter_in_toml_gives_the_same() -> None:
    found = values(
        '+++\ntitle = "Baking"\ndate = 2024-03-01T08:00:00Z\nauthors = [{name = "Ada"}, "Alan"]\n+++\nText.\n'
    )
    assert (found["title"], found["body"]) == ("Baking", "Text.\n")
    assert found["metadata"] == {
        "published": "2024-03-01T08:00:00+00:00",
        "authors": ["Ada", "Alan"],
        "format": "markdown",
    }


@pytest.mark.parametrize(
    "front",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "key: [never closed",
        "[" * 3_000,
        "when: 2024-13-45",
        "!!python/object/apply:os.system ['true']",
    ],
    ids=["aliases", "syntax", "depth", "date", "object"],
)
def test_front_matter_that_cannot_be_read_stays_in_the_text_and_is_reported(front: str) -> None:
    content = f"---\n{front}\n---\n# Bread\n"
    found = values(content)
    assert (found["title"], found["body"]) == ("Bread", content)
    assert found["metadata"]["front_matter_error"].startswith("The front matter cannot be read: ")


def test_a_text_between_two_rules_is_no_front_matter() -> None:
    assert values("---\nJust a text.\n---\nMore.\n")["body"] == "---\nJust a text.\n---\nMore.\n"


def test_an_address_that_is_not_of_the_web_is_metadata_only() -> None:
    found = values(markdown("url: javascript:alert(1)"))
    assert "url" not in found
    assert found["metadata"]["url"] == "javascript:alert(1)"


def test_the_body_keeps_every_character_but_line_ends_and_nul() -> None:
    body = "Intro  \r\n\r\n\tcode\x00 ‘x’ \u00ad𝔘\rEnd"
    assert values("\ufeff" + body)["body"] == "Intro  \n\n\tcode  ‘x’ \u00ad𝔘\nEnd"


def test_a_file_without_heading_is_called_as_its_name() -> None:
    assert values("Flour.\n")["title"] == "my bread"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("text\n\n## The *first* `one` ##\n# Second\n", "The first one"),
        ("```sh\n# a comment\n```\nBread\n=====\n", "Bread"),
        ("~~~\n# no\n```\n~~~\n\n# [Yes](https://example.org)\n", "Yes"),
        ("#hashtag\n\n- item\n---\n\n#\n", ""),
        ("    # indented code\n", ""),
    ],
)
def test_the_first_heading_outside_code_is_the_title(body: str, title: str) -> None:
    assert first_heading(body) == title


def test_other_encodings_are_recognised() -> None:
    assert values("# Brötchen\n".encode("utf-16"))["title"] == "Brötchen"
    text = "# Brötchen\n\nMehl, Wasser, Salz und Hefe kräftig mischen; Ofen auf höchste Stufe. Grüße!\n"
    assert values(text.encode("cp1252"))["body"] == text
