"""What a browser may load and run on each page that is ours, the error pages included: files of this server only.

The admin and the pages of the API bring scripts and styles of their own kind, and are left as they are.
"""

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADER = "Content-Security-Policy"


class ContentPolicyMiddleware:
    """Gives each page a strict Content-Security-Policy, unless its view has set one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(elsewhere()):
            response.headers.setdefault(_HEADER, CONTENT_SECURITY_POLICY)
        return response


def elsewhere() -> tuple[str, ...]:
    """Return where the addresses of admin and API begin, which are no pages of visitors."""
    beginnings = ["/api/"]
    with suppress(NoReverseMatch):  # an installation may do without
        beginnings.append(reverse("admin:index"))
    return tuple(beginnings)
