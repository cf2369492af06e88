"""Mails (EML): the subject as title, the text as body, and who wrote to whom and when.

Attachments are listed by name and never opened; nothing that a mail links to is fetched.
"""

from collections.abc import Iterator
from email import message_from_binary_file, policy
from email.headerregistry import Address
from email.message import Message
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from search.language_tags import language_tag
from search.readers.base import UnreadableFile
from search.readers.html.html_reader import fragment
from search.readers.text.declared_encoding import decode, decode_markup
from search.readers.text.markdown_text import Body, one_line, plain_lines

from .dates import iso_date
from .whole_document import DocumentReader

_PARTS = 1_000
_DEPTH = 30
_PEOPLE = ("from", "to", "cc")
_HEADER_CHARS = 20_000  # some hundred people
_LISTED = 200  # people and attachments that are named


class BoundedHeaders(policy.EmailPolicy):
    """Parses of each header only the beginning: the parser's cost grows with the square of the length."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:_HEADER_CHARS])


class EmlReader(DocumentReader):
    """A mail as one record."""

    format = "eml"
    extensions = (".eml",)
    kind = "mail"
    title_is_enough = True

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        message = message_from_binary_file(file, policy=BoundedHeaders())
        if not message.keys():
            raise UnreadableFile("This mail has no headers; it is perhaps a text file.")
        body = Body(self.limits)
        attachments: list[str] = []
        for part in _leaves(message):
            if _is_text(part):
                body.add(self._text(part))
            else:
                attachments.append(_file_name(part))
        return {
            "title": header(message, "subject"),
            "language": language_tag(header(message, "content-language")),
            "metadata": {"format": self.format, **_envelope(message), "attachments": attachments[:_LISTED]},
            "body": body.text(),
        }

    def _text(self, part: Message) -> str:
        text = self._characters(part)
        if part.get_content_type() == "text/html":
            return fragment(text, self.limits)
        return _unwrapped(plain_lines(text)) if part.get_param("format") == "flowed" else text

    def _characters(self, part: Message) -> str:
        content, charset = _bytes_of(part), str(part.get_param("charset", "") or "")
        try:
            read = decode_markup if part.get_content_type() == "text/html" else decode
            return read(content, self, charset)
        except UnreadableFile:  # one part of no meaning does not lose the others
            return content.decode("utf-8", "replace")


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts of a mail in their order; of alternatives only the one that is read best."""
    waiting: list[tuple[Message, int]] = [(message, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if seen > _PARTS or depth > _DEPTH:
            raise UnreadableFile(f"This mail has more than {_PARTS:,} parts, or parts nested more than {_DEPTH} deep.")
        payload = part.get_payload()
        if part.get_content_maintype() != "multipart" or not isinstance(payload, list):
            yield part
            continue
        children = cast(list[Message], payload)
        if part.get_content_subtype() == "alternative":
            children = _best(children)
        waiting.extend((child, depth + 1) for child in reversed(children))


def _best(alternatives: list[Message]) -> list[Message]:
    """Return the plain text if there is some, else the HTML or what holds it, else the last."""
    for kind in ("text/plain", "text/html", "multipart/related", "multipart/mixed", "multipart/alternative"):
        for part in alternatives:
            if part.get_content_type() == kind and (part.is_multipart() or _bytes_of(part).strip()):
                return [part]
    return alternatives[-1:]


def _bytes_of(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _is_text(part: Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"


def _file_name(part: Message) -> str:
    """Return the name of an attachment, or its type when it has none."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        name = ""
    return one_line(str(name))[:200] or part.get_content_type()


def _envelope(message: Message) -> dict[str, Any]:
    people = {name: _people(message, name) for name in _PEOPLE}
    return {
        **{name: [str(person) for person in found] for name, found in people.items()},
        "authors": [one_line(person.display_name) or person.addr_spec for person in people["from"]],
        "created": iso_date(header(message, "date")),
        "message_id": header(message, "message-id"),
    }


def _people(message: Message, name: str) -> list[Address]:
    """Return who a header names; nobody when it cannot be understood."""
    try:
        return list(getattr(message.get(name), "addresses", ()))[:_LISTED]
    except Exception:  # the email package raises anything on a broken header
        return []


def header(message: Message, name: str) -> str:
    """Return a header as one line, "" when it is missing or cannot be understood."""
    try:
        return one_line(str(message.get(name, "") or ""))
    except Exception:  # as above
        return one_line(str(dict(message.raw_items()).get(name, "")))


def _unwrapped(text: str) -> str:
    """Return text of format=flowed with its paragraphs on one line each (RFC 3676)."""
    lines: list[str] = []
    flowing = False
    for line in text.split("\n"):
        line = line.removeprefix(" ") if not line.startswith(">") else line
        quoted = line.startswith(">")
        if flowing and not quoted and lines:
            lines[-1] += line
        else:
            lines.append(line)
        flowing = line.endswith(" ") and line != "-- " and not quoted
    return "\n".join(line.rstrip() for line in lines)
