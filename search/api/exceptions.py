"""The API's own refusals that DRF has no exception for."""

from http import HTTPStatus

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
    """What was sent contradicts what is stored."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"
