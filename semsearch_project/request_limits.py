"""Refuses requests over a limit with 429, and says on every limited answer what the limit is and how much is left.

One limit for each token and one for each address, and a third, lower one for wrong passwords and tokens, so that
guessing is slow. Headers as in the IETF's draft "RateLimit header fields for HTTP".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from search.access.request_counts import WINDOW_SECONDS, RequestCounts, seconds_left
from search.api.problems import Problem, problem_response
from search.conf import conf

_TOKEN = re.compile(r"bearer +sems_([0-9a-f]{16})_", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests of one kind somebody may send in a window."""

    name: str
    who: str
    most: int


class RequestLimitsMiddleware:
    """Counts each request for a page or below /api/; files that never change are not counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        now, address = time(), client_address(request)
        guesses = Limit("guesses", f"guesses:{address}", conf().GUESSES_PER_MINUTE)
        if guesses.most and _counts().add(guesses.who, now, times=0) >= guesses.most:
            return _refused(request, guesses, now)
        limit = _limit_of(request, address)
        count = _counts().add(limit.who, now) if limit.most else 0
        response = _refused(request, limit, now) if count > limit.most else self.get_response(request)
        if response.status_code == 401 and "Authorization" in request.headers:
            _counts().add(guesses.who, now)
        if limit.most:
            response.headers.setdefault("RateLimit-Policy", f'"{limit.name}";q={limit.most};w={WINDOW_SECONDS}')
            response.headers.setdefault(
                "RateLimit", f'"{limit.name}";r={max(0, limit.most - count)};t={seconds_left(now)}'
            )
        return response


def client_address(request: HttpRequest) -> str:
    """Return whose request it is, past as many proxies as are ours; what others put into the header is not believed."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxies = conf().PROXIES
    if proxies and len(hops) >= proxies:
        return hops[-proxies]
    return str(request.META.get("REMOTE_ADDR") or "")


def _limit_of(request: HttpRequest, address: str) -> Limit:
    token = _TOKEN.match(request.headers.get("Authorization", ""))
    if token:
        return Limit("token", f"token:{token[1]}", conf().TOKEN_REQUESTS_PER_MINUTE)
    return Limit("address", f"address:{address}", conf().REQUESTS_PER_MINUTE)


def _refused(request: HttpRequest, limit: Limit, now: float) -> HttpResponse:
    wait = str(seconds_left(now))
    if request.path.startswith("/api/"):
        detail = _("More than %(most)d requests a minute (limit: %(kind)s). Try again in %(wait)s seconds.")
        said = detail % {"most": limit.most, "kind": limit.name, "wait": wait}
        return problem_response(request, Problem(429, "throttled", said, headers={"Retry-After": wait}))
    return HttpResponse(render_to_string("429.html", request=request), status=429, headers={"Retry-After": wait})


def _counts() -> RequestCounts:
    return _counts_in(conf().DATA_DIR / "request-counts")


@lru_cache(maxsize=4)
def _counts_in(path: Path) -> RequestCounts:
    return RequestCounts(path)
