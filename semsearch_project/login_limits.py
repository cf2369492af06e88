"""Slows down who guesses passwords, in the admin and at the API: by name and address together, for a while.

django-axes counts in the database, so that all processes know. Whether there is such a user makes no difference, and
somebody who fails from one address does not lock the user out everywhere else.
"""

import ipaddress
from datetime import timedelta
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils.translation import gettext as _

from search.api.problems import Problem, problem_response
from search.conf import conf
from semsearch_project.request_limits import client_address

_MOST_NAME_CHARS = 150


class LoginLimitBackend(AxesStandaloneBackend):  # type: ignore[misc]  # axes has no types
    """Refuses to look at a password while its name and address are locked; code without a request is not limited."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **credentials: Any) -> None:
        """Return nobody, or raise PermissionDenied, which ends the attempt."""
        if request is not None:
            super().authenticate(request, *args, **credentials)


def failure_limit(request: HttpRequest, credentials: Any) -> int:
    """Return after how many failures a name and address are locked (AXES_FAILURE_LIMIT)."""
    return conf().LOGIN_FAILURES


def cool_off(request: HttpRequest | None = None) -> timedelta:
    """Return for how long (AXES_COOLOFF_TIME)."""
    return timedelta(seconds=conf().LOGIN_LOCK_SECONDS)


def address(request: HttpRequest) -> str | None:
    """Return the address that is asking, past proxies of ours; None for none (AXES_CLIENT_IP_CALLABLE)."""
    try:
        return str(ipaddress.ip_address(client_address(request)))
    except ValueError:
        return None


def name(request: HttpRequest, credentials: Any = None) -> str | None:
    """Return the name that was tried, not longer than names are (AXES_USERNAME_CALLABLE)."""
    tried = credentials.get("username") if credentials else request.POST.get("username")
    return str(tried)[:_MOST_NAME_CHARS] if tried is not None else None


def refused(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponseBase:
    """Return what somebody who is locked sees instead of the login form (AXES_LOCKOUT_CALLABLE)."""
    seconds = round(cool_off().total_seconds())
    headers = {"Retry-After": str(seconds)}
    if request.path.startswith("/api/"):
        detail = _("Too many attempts to sign in have failed. Try again in %(seconds)d seconds.") % {"seconds": seconds}
        return problem_response(request, Problem(429, "throttled", detail, headers=headers))
    context = {"minutes": max(1, round(seconds / 60)), "request_id": getattr(request, "request_id", "")}
    return SimpleTemplateResponse("login_refused.html", context, status=429, headers=headers).render()
