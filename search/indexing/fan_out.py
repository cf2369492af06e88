"""Encodes ahead of a collection's writer, in other workers: a long queue is encoded by all of them at once.

A helper claims a stretch of the queue that the writer leaves alone meanwhile, stores vectors of the texts in it, and
gives it back. It writes nothing else: chunks, documents, attempts and index files are the writer's. What a helper
cannot encode it leaves to the writer, who says why.
"""

import logging
import time
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from search.embedding.base import EncoderUnavailable
from search.indexing import batches, claiming, encoding_claims
from search.indexing.encoding import encode_missing
from search.indexing.encoding_claims import ClaimLost, Stretch
from search.indexing.plan import Outcome
from search.models import IndexLease, IndexVersion, PendingChange
from search.processes import may_live

logger = logging.getLogger(__name__)

_LONG = 256  # changes that must be left for the writer: it is soon through with fewer
_MOST = 1_024
_WRITER_COMES_SECONDS = 1.0
_AGAIN_SECONDS = 0.1


def is_wanted(collection_id: int) -> bool:
    """Tell whether a collection's queue is so long that helpers are worth calling."""
    return any(_ahead(version) for version in _versions(collection_id))


def encode_ahead(collection_id: int, *, budget_seconds: float, call_another: Callable[[], None]) -> int:
    """Encode stretches of a collection's queue while somebody else is writing its index; return how many.

    Calls `call_another` once, when there was something to do. Where nobody writes, there is nothing to be ahead of.
    """
    begun_at = time.monotonic()
    deadline = begun_at + budget_seconds
    stretches = 0
    while time.monotonic() < deadline:
        taken = _take(collection_id)
        if taken is None:
            if stretches or time.monotonic() > begun_at + _WRITER_COMES_SECONDS or not is_wanted(collection_id):
                break
            time.sleep(_AGAIN_SECONDS)  # the worker that called has not taken up the writing yet
            continue
        version, rows, chars, stretch = taken
        if not stretches:
            call_another()
        stretches += 1
        begun = time.monotonic()
        try:
            _encode(version, rows, stretch)
        except (EncoderUnavailable, ClaimLost) as error:
            logger.warning("%s: %s", version, error)
            break
        finally:
            stretch.give_back()
        claiming.pace.note(version, chars, time.monotonic() - begun)
    return stretches


def _take(collection_id: int) -> tuple[IndexVersion, list[PendingChange], int, Stretch] | None:
    with transaction.atomic():
        # Locked, so that the writer claims nothing meanwhile.
        lease = IndexLease.objects.select_for_update().filter(collection=collection_id).first()
        if lease is None or not lease.holder or lease.expires_at < timezone.now() or not may_live(lease.holder):
            return None
        for version in _versions(collection_id):
            if rows := _ahead(version):
                some = claiming.bounded(rows, claiming.pace.chars(version))
                stretch = encoding_claims.take(version, some.rows[0].pk, some.rows[-1].pk)
                return version, some.rows, some.chars, stretch
    return None


def _versions(collection_id: int) -> list[IndexVersion]:
    """Return the versions to be ahead of, the live one first: of each encoder the first one with work.

    What comes after it in another version has the same texts, and finds their vectors.
    """
    fed = IndexVersion.objects.fed().filter(collection=collection_id, last_error="").order_by("number")
    first: dict[str, IndexVersion] = {}
    for version in sorted(fed, key=lambda version: version.state != IndexVersion.State.ACTIVE):
        if version.encoder_fingerprint not in first and version.pending_changes.untried().exists():
            first[version.encoder_fingerprint] = version
    return list(first.values())


def _ahead(version: IndexVersion) -> list[PendingChange]:
    """Return the changes that nobody has begun or claimed, without so many as the writer is to have for itself."""
    queue = version.pending_changes.untried().filter(pk__gt=encoding_claims.behind(version))
    return list(queue.order_by("pk")[: _MOST + _LONG])[:-_LONG]


def _encode(version: IndexVersion, rows: list[PendingChange], stretch: Stretch) -> None:
    content = [work for work in batches.planned(version, rows) if work.outcome is Outcome.CONTENT]
    batches.chunk(version, content)
    encode_missing(version, batches.texts_of(content), stretch.renew)
