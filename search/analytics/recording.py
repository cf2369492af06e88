"""Writes the log of searches: what was asked, what was shown, and what people did with it. Never who they are.

A search never waits for its log. On SQLite a writer may hold the database for some time; what cannot be written at
once waits in memory and is written by a thread, or with the next search. What waits is lost when the process ends.
Nothing here raises for a log that cannot be written.
"""

import logging
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core import signing
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from search.conf import conf
from search.datatypes import SearchResponse
from search.models import Document, IndexVersion, SearchLog, SearchReaction

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

logger = logging.getLogger(__name__)

SHOWN = 20
TYPING_SECONDS = 20.0
VALID_SECONDS = 86_400.0
_SALT = "search.analytics.recording"
_MOST_WAITING = 10_000
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.5
_E_MAIL = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+\.\w+")
_NUMBER = re.compile(r"(?<![\w.+/-])\+?\d(?:[ ()/-]{0,2}\d){6,}(?![\w.-]*\w)")

_waiting: deque[Callable[[], None]] = deque(maxlen=_MOST_WAITING)
_flushing = threading.Lock()
_guard = threading.Lock()
_rescuers: list[threading.Thread] = []


class UnknownSearch(LookupError):
    """The id names no logged search: it is too old, made up, or the log has been switched off since."""


def record(response: SearchResponse, *, version: IndexVersion, source: str = "", after: str = "") -> str:
    """Log an answered search; return its signed id, or nothing when no log is kept.

    `after` is the id of the search that was on the page before. When that was the same words being typed, it
    becomes this one and keeps its id; else it is noted as followed by this one.
    """
    if not conf().LOG_SEARCHES:
        return ""
    before = _key_of(after) if after else None
    key = SearchLog.new_key()
    entry = SearchLog(
        collection_id=version.collection_id,
        key=key,
        text=masked(response.query) if conf().LOG_SEARCHES_MASK else response.query,
        mode=response.mode,
        index_version=response.index_version,
        source=source,
        total=response.total,
        good_match=response.good_match,
        shown=[[result.document_id, round(result.score, 4)] for result in response.results[:SHOWN]],
        took_ms=response.took_ms.total,
    )
    earlier = _typed_on(before, entry) if before else None
    if earlier is not None and before is not None:
        entry.pk, entry.key, key = earlier.pk, before, before
    _waiting.append(lambda: _write(entry, before if earlier is None else None))
    flush(patient=False)
    return signed(key)


def react(query_id: str, document_id: int, kind: str, *, user: "AbstractBaseUser | AnonymousUser | None") -> bool:
    """Note that a result of a logged search was opened, or found helpful or not; return whether that is news.

    The last word on a result counts: "helpful" takes "not helpful" back. Raises UnknownSearch, and
    Document.DoesNotExist for a document that `user` may not see.
    """
    key = _key_of(query_id)
    flush()
    found = SearchLog.objects.filter(key=key).first() if key else None
    if found is None:
        raise UnknownSearch(query_id)
    if not Document.objects.visible_to(user).filter(pk=document_id, collection=found.collection_id).exists():
        raise Document.DoesNotExist
    shown = [pair[0] for pair in found.shown]
    rank = shown.index(document_id) + 1 if document_id in shown else 0
    thumbs = {SearchReaction.Kind.UP, SearchReaction.Kind.DOWN}
    with transaction.atomic():
        if kind in thumbs:
            found.reactions.filter(document_id=document_id, kind__in=thumbs - {kind}).delete()
        _reaction, is_new = found.reactions.get_or_create(document_id=document_id, kind=kind, defaults={"rank": rank})
    return is_new


def flush(*, patient: bool = True) -> None:
    """Write what waits. Not `patient`: where another writer holds the database, leave it waiting instead."""
    if not _flushing.acquire(blocking=patient):
        return
    try:
        with _patience(patient):
            while _waiting:
                _waiting[0]()
                _waiting.popleft()
    except OperationalError as error:
        logger.debug("The log of searches waits: %s", error)
        if not patient:
            _flush_soon()
    except DatabaseError as error:
        _waiting.popleft()
        logger.warning("The search could not be logged: %s", error)
    finally:
        _flushing.release()


def _flush_soon() -> None:
    """Write what waits as soon as the database is free, beside the searches."""
    with _guard:
        if _rescuers:
            return
        thread = threading.Thread(target=_flush_until_written, name="search-log", daemon=True)
        _rescuers.append(thread)
    thread.start()


def _flush_until_written() -> None:
    try:
        for _attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE_SECONDS)
            flush()
            if not _waiting:
                return
    finally:
        _rescuers.clear()
        connection.close()


def signed(key: uuid.UUID) -> str:
    """Return the id of a logged search as clients get it: it cannot be made up, and is good for a day."""
    return signing.TimestampSigner(salt=_SALT).sign(key.hex)


def masked(text: str) -> str:
    """Return a query without e-mail addresses and long numbers, such as those of telephones, cards and accounts."""
    return _NUMBER.sub("[number]", _E_MAIL.sub("[e-mail]", text))


def _key_of(query_id: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(signing.TimestampSigner(salt=_SALT).unsign(query_id, max_age=timedelta(seconds=VALID_SECONDS)))
    except (signing.BadSignature, ValueError):
        return None


def _typed_on(before: uuid.UUID, entry: SearchLog) -> SearchLog | None:
    """Return the logged search that `entry` is the next keystroke of."""
    since = timezone.now() - timedelta(seconds=TYPING_SECONDS)
    earlier = SearchLog.objects.filter(key=before, collection=entry.collection_id, at__gte=since).first()
    if earlier is None or earlier.reactions.exists():
        return None
    grown = entry.text.startswith(earlier.text) or earlier.text.startswith(entry.text)
    return earlier if grown else None


def _write(entry: SearchLog, before: uuid.UUID | None) -> None:
    with transaction.atomic():
        if not entry.pk or not _rewritten(entry):
            entry.pk = None  # retention took it away in the meantime
            entry.save(force_insert=True)
        if before is not None:
            SearchLog.objects.filter(key=before, followed_by=None).exclude(pk=entry.pk).update(followed_by=entry)


def _rewritten(entry: SearchLog) -> bool:
    names = ("text", "mode", "index_version", "total", "good_match", "shown", "took_ms", "at")
    return bool(SearchLog.objects.filter(pk=entry.pk).update(**{name: getattr(entry, name) for name in names}))


@contextmanager
def _patience(patient: bool) -> Iterator[None]:
    """On SQLite, let writes within give up at once where another connection is writing."""
    if patient or connection.vendor != "sqlite":
        yield
        return
    seconds = float(connection.settings_dict["OPTIONS"].get("timeout", 5))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
