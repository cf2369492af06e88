"""Mails: the text that was written, who wrote it to whom and when, attachments by name only."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, UnreadableFile
from search.readers.documents.eml_reader import EmlReader
from tests.readers.contract import ReaderContract
from tests.readers.samples import mail


class TestEmlReader(ReaderContract):
    name = "bread.eml"

    def make_reader(self, limits: Limits | None = None) -> EmlReader:
        return EmlReader(limits)

    def sample(self) -> bytes:
        return mail()

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"title": "Bread", "body": "Flour and water."}]


def values(content: bytes) -> dict[str, Any]:
    [record] = EmlReader().read(io.BytesIO(content), PurePosixPath("my mail.eml"))
    return dict(record.values)


def test_the_headers_become_metadata() -> None:
    assert values(mail(attachments=["menu.pdf", "Brötchen.txt"]))["metadata"] == {
        "format": "eml",
        "from": ["Ada Lovelace <ada@example.org>"],
        "authors": ["Ada Lovelace"],
        "to": ["alan@example.org"],
        "created": "2024-03-01T12:30:00+00:00",
        "message_id": "<1@example.org>",
        "attachments": ["menu.pdf", "Brötchen.txt"],
    }


def test_the_plain_text_is_preferred_to_the_page() -> None:
    assert values(mail("Plain.", "<p>Page.</p>"))["body"] == "Plain."


def test_a_mail_with_a_page_alone_is_read_from_it() -> None:
    assert values(mail("", "<h1>Bread</h1><p>Flour &amp; water.</p>"))["body"] == "# Bread\n\nFlour & water."


QUOTED = "text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable"
BASE64 = "text/plain; charset=cp1252\nContent-Transfer-Encoding: base64"


@pytest.mark.parametrize(
    ("kind", "payload", "text"),
    [
        (QUOTED, b"Br=C3=B6t=\nchen", "Brötchen"),
        (BASE64, b"QnL2dGNoZW4=", "Brötchen"),
        (BASE64, b"QnL2dGNoZW4", "Brötchen"),
        ("text/plain; charset=nonsense", "Brötchen".encode(), "Brötchen"),
        ("text/plain; format=flowed", b"One text \non two lines.\n>said \nEnd", "One text on two lines.\n>said\nEnd"),
        ("text/html", b"<meta charset=cp1252><p>5 \x80", "5 €"),
    ],
    ids=["quoted-printable", "base64", "cut base64", "unknown charset", "flowed", "page"],
)
def test_transfer_encodings_and_charsets_are_undone(kind: str, payload: bytes, text: str) -> None:
    content = f"Subject: Bread\nMIME-Version: 1.0\nContent-Type: {kind}\n\n".encode() + payload
    assert values(content)["body"] == text


def test_headers_that_are_broken_lose_nothing_else() -> None:
    found = values(
        b"Subject: =?nonsense?q?Bread?= =?utf-8?q?=FF?=\nFrom: <<>>;;\nDate: never\nTo: a@b, \xff\n\nFlour.\n"
    )
    assert found["body"] == "Flour."
    assert "Bread" in found["title"]
    assert "created" not in found["metadata"]


def test_a_header_of_endless_encoded_words_costs_no_more_than_its_beginning() -> None:
    title = values(b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nFlour.\n")["title"]
    assert title.startswith("aaaa") and len(title) <= 1_000


def test_a_mail_without_text_is_found_by_its_subject() -> None:
    assert values(b"Subject: Call me\n\n")["title"] == "Call me"


def test_a_forwarded_mail_is_an_attachment() -> None:
    inner = b"Content-Type: message/rfc822\n\nSubject: Inner\n\nSecret.\n"
    content = (
        b"Subject: Fwd\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nSee below.\n--x\n" + inner + b"--x--\n"
    )
    found = values(content)
    assert found["body"] == "See below."
    assert found["metadata"]["attachments"] == ["message/rfc822"]


def nested(depth: int) -> bytes:
    parts = [f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}" for level in range(depth)]
    return "\n".join(["Subject: Deep", *parts, "\nText.\n"]).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (nested(100), "nested more than 30 deep"),
        (nested(3_000), "nested too deeply"),
        (
            b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nText\n" * 2_000,
            "more than 1,000 parts",
        ),
        (b"Just some text.\nNo headers.\n", "no headers"),
    ],
    ids=["depth", "recursion", "parts", "text"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        values(content)


def test_a_part_of_no_meaning_does_not_lose_the_others() -> None:
    page = b"Content-Type: text/html\n\n<!-- nothing -->\n"
    content = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nText.\n--b\n" + page + b"--b--\n"
    assert values(content)["body"] == "Text."
