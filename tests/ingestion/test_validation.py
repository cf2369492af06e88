"""What cannot be stored is refused by the field that it is about, before anything is written."""

from typing import Any

import pytest

from search.conf import conf
from search.ingestion.validation import BadValues, check_defaults, check_document


@pytest.mark.parametrize(
    ("external_id", "values", "field", "message"),
    [
        ("a", {"title": "x" * 1_001}, "title", "1001 characters; at most 1000"),
        ("a" * 501, {}, "external_id", "501 characters; at most 500"),
        ("a\x00b", {}, "external_id", "NUL characters"),
        ("a\ud800", {}, "external_id", "lone surrogates"),
        ("", {}, "external_id", "blank"),
        ("a", {"url": "javascript:alert(1)"}, "url", "runs a script"),
        ("a", {"url": "ftp://example.org/x"}, "url", "“ftp://example.org/x” is no address; use one that begins with"),
        ("a", {"url": "//example.org/x"}, "url", "is no address"),
        ("a", {"url": "/\\example.org"}, "url", "is no address"),
        ("a", {"url": "see the intranet"}, "url", "is no address"),
        ("a", {"url": "https://"}, "url", "is no address"),
        ("a", {"url": "http://[::1"}, "url", "is no address"),
        ("a", {"url": "C:\\leave.txt"}, "url", "is no address"),
        ("a", {"language": "english"}, "language", "“english” is no language tag; write it as in BCP 47, for example"),
        ("a", {"language": "pt_br"}, "language", "for example pt-BR"),
        ("a", {"language": "en fr"}, "language", "is no language tag"),
        ("a", {"state": "gone"}, "state", "gone"),
        ("a", {"visibility": "some"}, "visibility", "some"),
        ("a", {"metadata": [1]}, "metadata", "JSON object"),
        ("a", {"anchors": [[5, "page 1"], [3, "page 2"]]}, "anchors", "offsets that ascend"),
        ("a", {"anchors": [[0, 1]]}, "anchors", "a list of"),
        ("a", {"anchors": "page 1"}, "anchors", "a list of"),
        ("a", {"anchors": [[True, "page 1"]]}, "anchors", "a list of"),
        ("a", {"language": "x" * 36}, "language", "at most 35"),
    ],
)  # fmt: skip
def test_bad_values_name_their_field(external_id: str, values: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(BadValues) as caught:
        check_document(external_id, values)

    assert list(caught.value.problems) == [field]
    assert message in caught.value.problems[field]


def test_a_text_beyond_the_limit_is_refused(settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10}
    assert conf().MAX_DOCUMENT_CHARS == 10

    with pytest.raises(BadValues, match="Split the document"):
        check_document("a", {"body": "x" * 11})


@pytest.mark.parametrize("url", ["https://example.org", "HTTP://example.org:8000/a?b#c", "/leave", "/a b/fax.html#3"])
def test_addresses_of_the_web_and_paths_pass(url: str) -> None:
    check_document("a", {"url": url})


def test_good_values_pass() -> None:
    check_document(
        "a",
        {
            "title": "T", "body": "B", "url": "https://example.org", "language": "pt-BR", "state": "draft",
            "visibility": "staff", "metadata": {"a": [1, None]}, "anchors": [[0, "page 1"], [0, "page 2"], [9, ""]],
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("defaults", "field"), [({"title": "x"}, "title"), ({"state": "gone"}, "state"), ({"groups": "red"}, "groups")]
)
def test_bad_defaults_name_their_field(defaults: dict[str, Any], field: str) -> None:
    with pytest.raises(BadValues) as caught:
        check_defaults(defaults)

    assert list(caught.value.problems) == [field]
