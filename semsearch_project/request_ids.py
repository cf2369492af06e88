"""Each request has an id: in its answer, in every log line that it causes, in the worker's too, and in error answers.

One that a proxy or client sends is taken over where it can be nothing but an id. One line in the log says how each
request ended, by its route: an address may hold what somebody typed.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from search import metrics
from semsearch_project import logs

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KINDS = {"api": "api", "admin": "admin", "web": "page"}

logger = logging.getLogger("semsearch.request")


class RequestIdMiddleware:
    """Gives `request.request_id`; stands first, so that it times everything and everything knows the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = taken_over(request.headers.get(HEADER, "")) or uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        begun = time.perf_counter()
        with logs.known(request_id=request_id):
            response = self.get_response(request)
            response.headers[HEADER] = request_id
            _note(request, response, time.perf_counter() - begun)
        return response


def taken_over(sent: str) -> str:
    """Return the id that was sent, or "" for what is none."""
    return sent if _GIVEN.fullmatch(sent) else ""


def _note(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    match = request.resolver_match
    kind = _KINDS.get(match.namespaces[0], "other") if match and match.namespaces else "other"
    metrics.observe("request_seconds", seconds, kind=kind, status=f"{response.status_code // 100}xx")
    if kind == "other" and response.status_code < 400:  # probes, scrapes and files
        return
    fields: dict[str, Any] = {
        "method": request.method if request.method in _METHODS else "other",
        "route": match.route if match else "",
        "status": response.status_code,
        "ms": round(seconds * 1_000, 1),
    }
    if (user := _user_id(request)) is not None:
        fields["user"] = user
    if match and (slug := match.kwargs.get("slug")):
        fields["collection"] = slug
    logger.info("answered", extra={"fields": fields})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _user_id(request: HttpRequest) -> Any:
    """Return who asked, where that is known already: no session is read for the log."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)
