"""`/metrics` for Prometheus. Off unless a token or addresses are set, and never for somebody else: it answers 404 then.

The addresses are those of who connects. What came through a proxy is never let in by its address: it would be the
proxy's, and everybody comes from there.
"""

import ipaddress
import secrets

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from search.conf import conf
from search.monitoring import exposition

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Proto")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with everything that is counted."""
    if not (_has_token(request) or _comes_from_an_address(request)):
        raise Http404
    return HttpResponse(exposition(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    token = conf().METRICS_TOKEN
    sent = request.headers.get("Authorization", "").encode()
    return bool(token) and secrets.compare_digest(sent, f"Bearer {token}".encode())


def _comes_from_an_address(request: HttpRequest) -> bool:
    allowed = conf().metrics_networks
    if not allowed or any(header in request.headers for header in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a socket has none
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in allowed)
