"""The API's own refusals that DRF has no exception for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from rest_framework import exceptions


class LengthRequired(exceptions.APIException):
    """The body came in pieces of unknown total length."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_code = "length_required"


class ContentTooLarge(exceptions.APIException):
    """The body is longer than this address takes."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "content_too_large"


class Conflict(exceptions.APIException):
    """What was sent contradicts what is stored. `wait` in seconds where the same may succeed later."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"

    def __init__(self, detail: Any = None, code: str | None = None, *, wait: float | None = None) -> None:
        super().__init__(detail, code)
        self.wait = wait


class PreconditionFailed(exceptions.APIException):
    """What is stored is not what the request was made for."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "precondition_failed"

    def __init__(self, detail: Any = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})


class DiskFull(exceptions.APIException):
    """What was sent does not fit on this machine's disk."""

    status_code = HTTPStatus.INSUFFICIENT_STORAGE
    default_code = "insufficient_storage"


class Unavailable(exceptions.APIException):
    """A part of this installation that is needed for an answer does not work at the moment."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "unavailable"
