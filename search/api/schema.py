"""What the OpenAPI schema says beside the serializers: problem answers, and examples of what no recorded one shows."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from .problems import CONTENT_TYPE


class FieldErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one part of the input."""

    pointer = serializers.CharField(help_text="The member or parameter, for example `#/title`.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details as in RFC 9457."""

    type = serializers.CharField(help_text="Stable name of the kind of problem, `urn:semsearch:problem:…`.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The address that was asked for.")
    request_id = serializers.CharField(help_text="Names this request in the log; also the header X-Request-ID.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


_MEANINGS = {
    400: "The input is not valid.",
    401: "This needs a name and a password.",
    403: "This user may not do that.",
    404: "There is no such thing, or it is not visible to this user.",
    409: "It contradicts what is stored.",
    411: "The Content-Length header is missing.",
    412: "What is stored is not what the request was made for.",
    413: "The body is too large.",
    415: "The content type is not accepted.",
    507: "The disk of this installation is full.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    503: "What is needed for the answer is not there yet, or does not work at the moment.",
}


def problems(*statuses: int) -> dict[Any, OpenApiResponse]:
    """Return the problem answers with these statuses, for `extend_schema(responses=…)`."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=_MEANINGS[status])
        for status in (*statuses, 429)
    }


READ_PROBLEMS = problems(400, 401, 404)
WRITE_PROBLEMS = problems(400, 401, 403, 404, 409, 411, 413, 415)

BULK_LINES = OpenApiExample(
    "Two documents, one on each line",
    value='{"external_id": "handbook/leave", "title": "Leave", "body": "Ask three weeks ahead."}\n'
    '{"external_id": "handbook/fax", "title": "Fax", "body": "No longer in use.", "state": "archived"}\n',
    media_type="application/x-ndjson",
    request_only=True,
)
BULK_ANSWER = OpenApiExample(
    "One written, one refused",
    value={
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "failed": 1,
        "results": [
            {"line": 1, "status": "created", "id": 18, "external_id": "handbook/leave", "errors": []},
            {
                "line": 2,
                "status": "error",
                "id": None,
                "external_id": "handbook/fax",
                "errors": [{"pointer": "#/state", "detail": '"gone" is not one of draft, published, archived.'}],
            },
        ],
    },
    response_only=True,
    status_codes=["207"],
)
