"""The documents that a search found, in their order, fixed while somebody turns its pages.

The set travels in the cursor: signed, compressed, and bound to who asked what. No server keeps anything, so paging
costs nothing that is not used and ends with nobody. A page shows what is still there and may still be seen, as of now:
no document twice, none left out that was there all the time. A new index version in between changes nothing in that.
"""

import math
import struct
import zlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from django.core import signing
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from search.datatypes import Hit
from search.models import Chunk, IndexVersion, PendingChange
from search.retrieval.filtering.date_values import own_date
from search.retrieval.visible_hits import VisibleHit

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

MOST = 1_000
SORTS = ("relevance", "newest", "oldest", "title")

_VALID_SECONDS = 24 * 3_600
_SCORE_STEPS = 4_096
_HEAD = struct.Struct("<BHH")  # complete and answered, where the page begins, how many
_FORMAT = 2
_COMPLETE, _ANSWERED = 1, 2


class InvalidCursor(ValueError):
    """A cursor was not made for this search, or is too old."""


@dataclass(frozen=True, slots=True)
class Place:
    """One document of a result set, by which of its chunks it was found, and its score to about three places."""

    document_id: int
    ordinal: int
    score: float


@dataclass(frozen=True, slots=True)
class ResultSet:
    """What was found, in order; `at` is where the page begins, `complete` tells that there was nothing more to find.

    `answered` is what the first page said of a good match, which holds for the pages behind it and for any order.
    """

    places: tuple[Place, ...]
    complete: bool
    at: int = 0
    answered: bool = True

    @property
    def may_grow(self) -> bool:
        """True when more was to be found than the set holds, and it may hold more."""
        return not self.complete and len(self.places) < MOST

    def grown(self, found: Sequence[VisibleHit], *, complete: bool) -> "ResultSet":
        """Return the set with what was found since behind what it holds, in that order, none of it better scored."""
        held = {place.document_id for place in self.places}
        least = min((place.score for place in self.places), default=math.inf)
        new = [
            Place(each.document_id, each.ordinal, min(each.hit.score, least))
            for each in found
            if each.document_id not in held
        ]
        places = (*self.places, *new)[:MOST]
        return replace(self, places=places, complete=complete and len(places) == len(held) + len(new))


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, and all that it is a page of: `document_ids` are those of the set that are there now."""

    found: tuple[VisibleHit, ...]
    document_ids: tuple[int, ...]
    total_relation: str  # "eq" when `document_ids` is all that there was to find, else "gte"
    rest: ResultSet | None = field(default=None)  # what the next page begins with

    @property
    def total(self) -> int:
        """How many documents the set has now."""
        return len(self.document_ids)


def first_page(found: Sequence[VisibleHit], k: int, *, complete: bool) -> Page:
    """Return the first `k` of what was found, just now and with every check."""
    kept = found[:MOST]
    complete = complete and len(kept) == len(found)
    places = tuple(Place(each.document_id, each.ordinal, each.hit.score) for each in kept)
    rest = ResultSet(places, complete, at=k) if len(kept) > k else None
    return Page(tuple(kept[:k]), tuple(each.document_id for each in kept), relation(complete), rest)


def page(version: IndexVersion, documents: "DocumentQuerySet", frozen: ResultSet, k: int) -> Page:
    """Return the `k` documents that the set goes on with, of those that are among `documents` now."""
    ids = [place.document_id for place in frozen.places]
    there = set(documents.order_by().filter(pk__in=ids).values_list("pk", flat=True))
    shown, rest = turned(frozen, there, k)
    left = tuple(pk for pk in ids if pk in there)
    return Page(with_chunks(version, shown), left, relation(frozen.complete), rest)


def turned(frozen: ResultSet, there: Container[int], k: int) -> tuple[list[Place], ResultSet | None]:
    """Return the next `k` places of those that are `there`, and what the page after them begins with."""
    shown: list[Place] = []
    at = frozen.at
    while at < len(frozen.places) and len(shown) < k:
        if frozen.places[at].document_id in there:
            shown.append(frozen.places[at])
        at += 1
    more = any(place.document_id in there for place in frozen.places[at:])
    return shown, replace(frozen, at=at) if more else None


def ordered(found: Sequence[VisibleHit], documents: "DocumentQuerySet", sort: str) -> list[VisibleHit]:
    """Return what was found in another order than by relevance; equal ones keep theirs."""
    if sort == "relevance":
        return list(found)
    rows = documents.order_by().filter(pk__in=[each.document_id for each in found])
    values = rows.values_list("pk", "title", "external_id", "metadata", "created_at")
    keys = {pk: ((title or external_id).casefold(), own_date(metadata) or created_at.isoformat())
            for pk, title, external_id, metadata, created_at in values}  # fmt: skip
    there = [each for each in found if each.document_id in keys]
    which = 0 if sort == "title" else 1
    return sorted(there, key=lambda each: keys[each.document_id][which], reverse=sort == "newest")


def relation(complete: bool) -> str:
    """Return how a total of a set is meant."""
    return "eq" if complete else "gte"


def with_chunks(version: IndexVersion, places: Sequence[Place]) -> tuple[VisibleHit, ...]:
    """Return each place with its chunk as the version has it now: the same, or else the document's first, or none."""
    pending = PendingChange.objects.filter(version=version, document=OuterRef("document_id"))
    rows = (
        Chunk.objects.filter(version=version, document__in=[place.document_id for place in places])
        .live()
        .annotate(changed=Exists(pending))
        .order_by("-ordinal")
        .values_list("document_id", "ordinal", "pk", "start", "end", "changed")
    )
    wanted = {place.document_id: place for place in places}
    chunks: dict[int, VisibleHit] = {}
    for document_id, ordinal, pk, start, end, changed in rows:
        held = chunks.get(document_id)
        if held is None or held.ordinal != wanted[document_id].ordinal:
            hit = Hit(pk, wanted[document_id].score)
            chunks[document_id] = VisibleHit(hit, document_id, start, end, changed, ordinal)
    return tuple(chunks.get(place.document_id) or _without_chunk(place) for place in places)


def _without_chunk(place: Place) -> VisibleHit:
    return VisibleHit(Hit(0, place.score), place.document_id, 0, 0, changed=True)


# --- The cursor


def write_cursor(frozen: ResultSet, *, bound_to: Iterable[object]) -> str:
    """Return the set as text for an address; only a search with the same `bound_to` can read it."""
    scores = [round(place.score * _SCORE_STEPS) for place in frozen.places]
    columns = (
        _steps([place.document_id for place in frozen.places]),
        b"".join(_number(place.ordinal) for place in frozen.places),
        _steps(scores),
    )
    flags = _COMPLETE * frozen.complete | _ANSWERED * frozen.answered
    head = _HEAD.pack(flags, frozen.at, len(frozen.places))
    packed = zlib.compress(head + b"".join(columns), 9)
    return _signer(bound_to).sign(signing.b64_encode(packed).decode())


def read_cursor(text: str, *, bound_to: Iterable[object]) -> ResultSet:
    """Return the set that a cursor holds. Raises InvalidCursor for one of another search, changed or too old."""
    try:
        packed = _signer(bound_to).unsign(text, max_age=_VALID_SECONDS)
    except signing.SignatureExpired:
        raise InvalidCursor(_("This cursor is too old. Search again, and go on from the first page.")) from None
    except signing.BadSignature:
        message = _("This cursor belongs to another search. Send it with the query, filters and options it came with.")
        raise InvalidCursor(message) from None
    data = zlib.decompress(signing.b64_decode(packed.encode()))
    flags, at, count = _HEAD.unpack_from(data)
    numbers = _numbers(data[_HEAD.size :])
    ids, scores = _from_steps(numbers[:count]), _from_steps(numbers[2 * count :])
    rows = zip(ids, numbers[count : 2 * count], scores, strict=True)
    places = tuple(Place(pk, ordinal, score / _SCORE_STEPS) for pk, ordinal, score in rows)
    return ResultSet(places, bool(flags & _COMPLETE), at, bool(flags & _ANSWERED))


def _signer(bound_to: Iterable[object]) -> signing.TimestampSigner:
    digest = blake2b(repr(tuple(map(str, bound_to))).encode(errors="replace"), digest_size=16).hexdigest()
    return signing.TimestampSigner(salt=f"search.result_set:{_FORMAT}:{digest}")


def _steps(values: Iterable[int]) -> bytes:
    """Return whole numbers as the steps between them, few bytes for small ones, the lowest bit for the sign."""
    parts = []
    before = 0
    for value in values:
        step = value - before
        parts.append(_number(step << 1 if step >= 0 else (-step << 1) - 1))
        before = value
    return b"".join(parts)


def _from_steps(numbers: Sequence[int]) -> list[int]:
    values = []
    value = 0
    for number in numbers:
        value += -((number + 1) >> 1) if number & 1 else number >> 1
        values.append(value)
    return values


def _number(value: int) -> bytes:
    """Return a number from 0 in groups of seven bits, the lowest first; the highest bit tells that more follow."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _numbers(data: bytes) -> list[int]:
    values = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            values.append(value)
            value = shift = 0
    return values
