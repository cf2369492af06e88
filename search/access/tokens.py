"""Tokens from their making to their end: issued, authenticated, rotated, revoked. Never writes a secret anywhere.

Each request asks the database, so that revoking acts on the next one in every process.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from search.models import ApiToken, Collection

from .scopes import Scope

ROTATION_GRACE = timedelta(hours=24)
"""How long the old secret of a rotated token goes on working, at most."""
_USE_NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"sems_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token's row, and its text, which exists nowhere else."""

    token: ApiToken
    text: str

    def __repr__(self) -> str:
        return f"IssuedToken({self.token})"


@transaction.atomic
def issue(
    owner: User,
    name: str,
    scopes: Iterable[Scope],
    *,
    collections: Iterable[Collection] = (),
    expires_at: datetime | None = None,
    by: User | None = None,
) -> IssuedToken:
    """Make a token, limited to `collections` where any are named. Raises ValueError without a scope."""
    chosen = sorted(Scope(scope).value for scope in scopes)
    if not chosen:
        raise ValueError("A token without a scope may do nothing; name at least one.")
    secret, limits = secrets.token_hex(32), list(collections)
    token = ApiToken.objects.create(
        owner=owner,
        name=name,
        public_id=secrets.token_hex(8),
        digest=_digest(secret),
        scopes=chosen,
        collections_limited=bool(limits),
        expires_at=expires_at,
        created_by=by,
    )
    token.collections.set(limits)
    return IssuedToken(token, f"sems_{token.public_id}_{secret}")


def authenticate(text: str, now: datetime | None = None) -> ApiToken | None:
    """Return the token of `text` with its owner, or None where it is unknown, over, revoked, or its owner inactive."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    token = ApiToken.objects.select_related("owner").filter(public_id=form[1]).first()
    if token is None or not hmac.compare_digest(token.digest, _digest(form[2])):
        return None
    now = now or timezone.now()
    if not token.works_at(now) or not token.owner.is_active:
        return None
    _note_use(token, now)
    return token


@transaction.atomic
def rotate(token: ApiToken, *, by: User | None = None, grace: timedelta = ROTATION_GRACE) -> IssuedToken:
    """Make a token like this one, which goes on working for `grace` so that its users can change over.

    Raises ValueError for a token that is over.
    """
    now = timezone.now()
    current = ApiToken.objects.select_for_update().get(pk=token.pk)
    if not current.works_at(now):
        raise ValueError(f"{current} is over; make a new one.")
    limits = list(current.collections.all())
    scopes = [Scope(scope) for scope in current.scopes]
    issued = issue(current.owner, current.name, scopes, collections=limits, expires_at=current.expires_at, by=by)
    ApiToken.objects.filter(pk=issued.token.pk).update(collections_limited=current.collections_limited)
    until = now + grace
    if current.expires_at is None or current.expires_at > until:
        ApiToken.objects.filter(pk=current.pk).update(expires_at=until)
    token.refresh_from_db()
    issued.token.refresh_from_db()
    return issued


def revoke(token: ApiToken) -> None:
    """End a token for good; revoking it again changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _note_use(token: ApiToken, now: datetime) -> None:
    """Write down that a token is used, now and then: not each request is worth a write."""
    if token.last_used_at is None or now - token.last_used_at >= _USE_NOTED_EVERY:
        token.last_used_at = now
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
