"""What a request's body is read with, within limits: one JSON value, NDJSON, or a JSON list.

A body is never read beyond its limit, and many documents are handed on one by one.
"""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from .exceptions import ContentTooLarge, LengthRequired
from .json_reading import MalformedJson, decoded, list_items, ndjson_lines, parsed


def sent(request: Request) -> Any:
    """Return what the request's parser makes of its body. Raises ParseError when there is no body."""
    if request.stream is None:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequired(_("Send a Content-Length header; a body of unknown length is not read."))
        raise ParseError(_("The request has no body."))
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding != "identity":
        detail = _("A body with Content-Encoding %(encoding)s is not read; send it as it is.") % {"encoding": encoding}
        raise UnsupportedMediaType(encoding, detail)
    return request.data


class LimitedJsonParser(BaseParser):
    """One JSON value, at most as long as the view's `max_body_bytes` or the installation's limit."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return parsed(decoded(_read(stream, parser_context or {})))
        except MalformedJson as error:
            raise ParseError(str(error)) from None


class NdjsonParser(BaseParser):
    """One JSON value on each line; gives an iterator that reads as it goes."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        _limit(parser_context or {})
        return ndjson_lines(stream)


class JsonListParser(BaseParser):
    """A JSON list; gives an iterator that decodes one item at a time."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return list_items(decoded(_read(stream, parser_context or {})))
        except MalformedJson as error:
            raise ParseError(str(error)) from None


def _read(stream: IO[bytes], context: Mapping[str, Any]) -> bytes:
    limit = _limit(context)
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise ContentTooLarge(_too_large(limit))
    return raw


def _limit(context: Mapping[str, Any]) -> int:
    """Return how many bytes the view takes. Raises ContentTooLarge when more are announced."""
    limit: int = getattr(context.get("view"), "max_body_bytes", None) or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    request = context.get("request")
    announced = request.META.get("CONTENT_LENGTH") if request is not None else None
    if announced and int(announced) > limit:
        raise ContentTooLarge(_too_large(limit))
    return limit


def _too_large(limit: int) -> str:
    return _("The body is larger than %d bytes, which is the limit here. Send it in parts.") % limit
