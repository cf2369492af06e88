"""The lease in a row's columns `holder`, `token` and `expires_at`: who may work on what the row stands for.

Taking it is one UPDATE that only one of several can win; the token goes up each time, so that it fences off who lost
the lease. Knows nothing of what is worked on.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from search.conf import conf
from search.processes import may_live, new_holder


def expiry() -> datetime:
    """Return when a lease ends that is taken or extended now."""
    return timezone.now() + timedelta(seconds=conf().LEASE_SECONDS)


def take(row: Any) -> int | None:
    """Take the lease of a row just read and return its token, or None while a living process holds it."""
    free = Q(holder="") | Q(expires_at__lt=timezone.now())
    if row.holder and not may_live(row.holder):
        free |= Q(holder=row.holder)
    rows: QuerySet[Any] = type(row)._default_manager.filter(free, pk=row.pk, token=row.token)
    taken = rows.update(holder=new_holder(), token=F("token") + 1, expires_at=expiry())
    return row.token + 1 if taken else None


def release(row: Any, token: int) -> None:
    """Let go of the lease that was taken with this token, if nobody else has it by now."""
    type(row)._default_manager.filter(pk=row.pk, token=token).update(holder="")
