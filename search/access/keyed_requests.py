"""Requests with an Idempotency-Key: claimed before they are done, and answered from what was kept ever after.

A key belongs to one user and one request. What was answered is repeated to the rights that it was answered to, and to
no others, so that nobody is told by it what they may not know any more.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from search.models import ApiToken, KeyedRequest

KEPT_FOR = timedelta(days=1)
BROKEN_OFF_AFTER = timedelta(minutes=5)
"""No request takes as long; whatever has no answer by then was ended from outside."""


class UsedOtherwise(ValueError):
    """The key belongs to another request."""


class RightsChanged(ValueError):
    """The request has been done, for rights that are not those of now."""


class InProgress(ValueError):
    """The request is being worked on at this moment."""


class BrokenOff(ValueError):
    """The request was begun and never answered: nobody knows whether it was done."""


def claim(owner: User, key: str, request_sha256: str, token: ApiToken | None) -> KeyedRequest:
    """Return the request of this key: with its answer where it has been done, without where it is to be done now.

    Raises UsedOtherwise, RightsChanged, InProgress or BrokenOff.
    """
    rights = rights_sha256(owner, token)
    try:
        with transaction.atomic():
            return KeyedRequest.objects.create(
                owner=owner, key=key, request_sha256=request_sha256, rights_sha256=rights
            )
    except IntegrityError:
        known = KeyedRequest.objects.filter(owner=owner, key=key).first()
    if known is None:  # given up at this moment
        raise InProgress
    if known.request_sha256 != request_sha256:
        raise UsedOtherwise
    if known.status is None:
        raise BrokenOff if timezone.now() - known.begun_at > BROKEN_OFF_AFTER else InProgress
    if known.rights_sha256 != rights:
        raise RightsChanged
    return known


def keep(claimed: KeyedRequest, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Keep how a request was answered."""
    KeyedRequest.objects.filter(pk=claimed.pk).update(status=status, headers=dict(headers), body=body)


def give_up(claimed: KeyedRequest) -> None:
    """Forget a request that was refused: sent again, it is looked at again."""
    KeyedRequest.objects.filter(pk=claimed.pk, status=None).delete()


def forget_old() -> int:
    """Delete what is older than a day; return how many."""
    return KeyedRequest.objects.filter(begun_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def rights_sha256(owner: User, token: ApiToken | None) -> str:
    """Return a hash of everything that decides what a user, or a token in their name, may see and do."""
    limits = [] if token is None else [token.pk, sorted(token.scopes), token.collections_limited]
    collections = [] if token is None else sorted(token.collections.values_list("pk", flat=True))
    groups = sorted(owner.groups.values_list("pk", flat=True))
    standing = [owner.is_active, owner.is_staff, owner.is_superuser, sorted(owner.get_all_permissions())]
    return hashlib.sha256(json.dumps([standing, groups, limits, collections]).encode()).hexdigest()
