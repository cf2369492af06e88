"""Every error below /api/ as RFC 9457 problem details, whoever raised it: a view, DRF, Django or the search.

Answers are plain Django responses, so that they need no renderer and cannot fail a second time. Nothing of an
unexpected exception leaves the process: it is logged, and the client is told only that it happened.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import Resolver404, resolve, reverse
from django.utils.encoding import escape_uri_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import set_rollback

from search.query_service import InvalidQuery, NotReady, UnknownCollection
from search.storable import storable

CONTENT_TYPE = "application/problem+json"
MAX_DETAIL_CHARS = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for the client. `code` ends the problem's type and never changes; `detail` is for people."""

    status: int
    code: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_details_handler(exc: Exception, context: Mapping[str, Any]) -> JsonResponse:
    """Return the problem response for any exception of a REST view (DRF's EXCEPTION_HANDLER)."""
    set_rollback()
    request: Request = context["request"]
    problem = _problem_of(exc)
    if problem is None:
        logger.error("%s %s failed", request.method, request.path, exc_info=exc)
        got_request_exception.send(sender=None, request=request._request)
        problem = Problem(500, "internal-error", _("Something went wrong here. It has been logged."))
    return problem_response(request, problem)


def problem_response(request: HttpRequest | Request, problem: Problem) -> JsonResponse:
    """Return `problem` as the answer to `request`."""
    body: dict[str, Any] = {
        "type": f"urn:semsearch:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": escape_uri_path(request.path),
    }
    if request_id := getattr(request, "request_id", ""):
        body["request_id"] = request_id
    if problem.errors:
        body["errors"] = list(problem.errors)
    return JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE, headers=dict(problem.headers))


@csrf_exempt
def no_such_address(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    """Answer every address below /api/ that is nothing else."""
    detail = _("There is nothing at %(path)s. All addresses are described at %(docs)s.") % {
        "path": shortened(request.path),
        "docs": reverse("api:docs"),
    }
    if not request.path.endswith("/") and _exists(request.path_info + "/"):
        detail = _("There is nothing at %(path)s. Did you mean %(path)s/ with a slash at its end?") % {
            "path": shortened(request.path)
        }
    return problem_response(request, Problem(404, "not-found", detail))


def field_errors(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Yield DRF's nested validation detail as flat {pointer, detail}, pointers as in RFC 6901."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from field_errors(inner, pointer + shortened(step))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from field_errors(inner, pointer)
    else:
        yield {"pointer": pointer, "detail": shortened(str(detail))}


def no_collection(slug: str) -> str:
    """Return in words that no collection has this slug, and where those are that exist."""
    return _("There is no collection %(slug)s. The collections are listed at %(address)s.") % {
        "slug": shortened(slug),
        "address": reverse("api:collections"),
    }


def shortened(text: str) -> str:
    """Return text that may hold what the client sent, safe to send back: storable and not endless."""
    text = storable(text)
    return text if len(text) <= MAX_DETAIL_CHARS else text[:MAX_DETAIL_CHARS] + "…"


def _exists(path: str) -> bool:
    try:
        return resolve(path).func is not no_such_address
    except Resolver404:
        return False


def _problem_of(exc: Exception) -> Problem | None:
    """Return the problem that stands for `exc`, or None for one that nobody expected."""
    if isinstance(exc, NotReady | UnknownCollection | InvalidQuery):
        return _search_problem(exc)
    if isinstance(exc, exceptions.ValidationError):
        errors = tuple(field_errors(exc.detail))
        summary = " ".join(dict.fromkeys(_with_its_field(error) for error in errors[:3]))
        return Problem(400, "invalid", shortened(summary), errors)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(*exc.args)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    elif isinstance(exc, exceptions.NotAuthenticated):
        needed = _("This needs a token: send it as `Authorization: Bearer TOKEN`. Tokens are made in the admin.")
        exc.detail = exceptions.ErrorDetail(needed, exc.default_code)
    if isinstance(exc, exceptions.APIException):
        code = exc.default_code.replace("_", "-")
        return Problem(exc.status_code, code, shortened(str(exc.detail)), headers=_headers(exc))
    return _server_problem(exc)


def _with_its_field(error: Mapping[str, str]) -> str:
    """Return what is wrong as a sentence that stands for itself: `k: …`."""
    field = error["pointer"].removeprefix("#").removeprefix("/")
    return f"{field}: {error['detail']}" if field else error["detail"]


def _search_problem(exc: NotReady | UnknownCollection | InvalidQuery) -> Problem:
    if isinstance(exc, NotReady):
        return Problem(503, "not-ready", str(exc), headers={"Retry-After": str(exc.retry_after_seconds)})
    message = shortened(str(exc))
    if isinstance(exc, UnknownCollection):
        return Problem(404, "unknown-collection", no_collection(message))
    return Problem(400, "invalid", message, ({"pointer": f"#/{exc.field}", "detail": message},))


def _server_problem(exc: Exception) -> Problem | None:
    if isinstance(exc, RequestDataTooBig):
        return Problem(413, "content-too-large", _("The request is larger than this installation accepts."))
    if isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return Problem(400, "parse-error", _("The request could not be read."))
    if isinstance(exc, IntegrityError):
        logger.warning("A write was refused by the database", exc_info=exc)
        return Problem(409, "conflict", _("Another request changed the same at the same time. Send this one again."))
    if isinstance(exc, OperationalError):
        logger.error("The database did not answer", exc_info=exc)
        detail = _("The database did not answer in time. Try again in a moment.")
        return Problem(503, "database-unavailable", detail, headers={"Retry-After": "5"})
    return None


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = dict(getattr(exc, "headers", {}))
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers
