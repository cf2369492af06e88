"""Whether the process lives and whether it is ready, for load balancers and supervisors. No login, no session."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from search.health import CHECKS, Check, is_ready, readiness


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer that this process answers. Asks nobody else."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when a search would be answered in full, else 503; `?exclude=broker,lag` leaves checks out."""
    without = frozenset(name.strip() for value in request.GET.getlist("exclude") for name in value.split(","))
    unknown = sorted(without - CHECKS.keys() - {""})
    if unknown:
        return JsonResponse({"status": "unknown check", "unknown": unknown, "known": list(CHECKS)}, status=400)
    checks = readiness(now=timezone.now(), without=without)
    ok = is_ready(checks)
    body = {"status": "ready" if ok else "not ready", "checks": {check.name: _shown(check) for check in checks}}
    return JsonResponse(body, status=200 if ok else 503)


def _shown(check: Check) -> dict[str, Any]:
    return {"state": check.finding.state.value, "detail": check.finding.detail, "ms": check.ms}
