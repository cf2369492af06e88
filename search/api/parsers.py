"""What a request's body is read with, within limits: one JSON value, or many documents, read as they come.

One value is never read beyond its limit. Lines are read however many there are, one at a time.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from .exceptions import ContentTooLarge, LengthRequired
from .json_reading import Line, MalformedJson, decoded, list_items, ndjson_lines, parsed

NDJSON = "application/x-ndjson"


def sent(request: Request) -> Any:
    """Return what the request's parser makes of its body. Raises ParseError when there is no body."""
    _check_encoding(request)
    if request.stream is None:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequired(_("Send a Content-Length header; a body of unknown length is not read."))
        raise ParseError(_("The request has no body."))
    return request.data


class SentBody:
    """A body while it is read: its hash and how much of it came. Ends with an error where the sender broke off."""

    def __init__(self, stream: IO[bytes], announced: int | None) -> None:
        self._stream = stream
        self._announced = announced
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end. Raises ParseError when less came than was announced."""
        try:
            data = self._stream.read(size)
        except Exception as error:  # each server has errors of its own for pieces that are not whole
            raise ParseError(self._broken_off()) from error
        if not data and self._announced is not None and self.bytes_read < self._announced:
            raise ParseError(self._broken_off())
        self.bytes_read += len(data)
        self._digest.update(data)
        return data

    def read_through(self) -> None:
        """Read whatever is left, for its hash."""
        while self.read(1024 * 1024):
            pass

    @property
    def announced(self) -> int:
        """How many bytes it should have; 0 where nobody said so."""
        return self._announced or 0

    @property
    def sha256(self) -> str:
        """The hash of what was read so far."""
        return self._digest.hexdigest()

    def _broken_off(self) -> str:
        return _("The body broke off after %d bytes. What was written stays written; send all of it again.") % (
            self.bytes_read
        )


@dataclass(frozen=True, slots=True)
class SentLines:
    """Documents as they come, and the body that they come from."""

    lines: Iterator[Line]
    body: SentBody
    endless: bool  # whether there may be any number of them


def sent_lines(request: Request) -> SentLines:
    """Return the documents of a request. Lines may come in a body of unknown length, too. Raises ParseError."""
    in_pieces = "HTTP_TRANSFER_ENCODING" in request.META and request.META.get("wsgi.input_terminated")
    if in_pieces and media_type_matches(NDJSON, request.content_type):
        _check_encoding(request)
        return _lines_of(SentBody(request.META["wsgi.input"], None))
    return cast(SentLines, sent(request))


class LimitedJsonParser(BaseParser):
    """One JSON value, at most as long as the view's `max_body_bytes` or the installation's limit."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return parsed(decoded(_read(_body(stream, parser_context), parser_context)))
        except MalformedJson as error:
            raise ParseError(str(error)) from None


class NdjsonParser(BaseParser):
    """One JSON value on each line; reads as it goes, however long the body is."""

    media_type = NDJSON

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return _lines_of(_body(stream, parser_context))


class JsonListParser(BaseParser):
    """A JSON list; decodes one item at a time."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = _body(stream, parser_context)
        try:
            return SentLines(list_items(decoded(_read(body, parser_context))), body, endless=False)
        except MalformedJson as error:
            raise ParseError(str(error)) from None


def announced_bytes(context: Mapping[str, Any] | None) -> int | None:
    """Return the Content-Length of the request that is parsed, if it has one."""
    request = (context or {}).get("request")
    length = request.META.get("CONTENT_LENGTH") if request is not None else None
    return int(length) if length else None


def _lines_of(body: SentBody) -> SentLines:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return SentLines(ndjson_lines(body.read, max_line_bytes=limit), body, endless=True)


def _body(stream: IO[bytes], context: Mapping[str, Any] | None) -> SentBody:
    return SentBody(stream, announced_bytes(context))


def _read(body: SentBody, context: Mapping[str, Any] | None) -> bytes:
    limit: int = getattr((context or {}).get("view"), "max_body_bytes", None) or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if body.announced > limit:
        raise ContentTooLarge(_("The body is larger than %d bytes, which is the limit here. Send it in parts.") % limit)
    parts = []
    while part := body.read(1024 * 1024):  # no more comes than was announced
        parts.append(part)
    return b"".join(parts)


def _check_encoding(request: Request) -> None:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding != "identity":
        detail = _("A body with Content-Encoding %(encoding)s is not read; send it as it is.") % {"encoding": encoding}
        raise UnsupportedMediaType(encoding, detail)
