"""What another order than relevance leaves out: documents that only came along because something had to come last.

Ordered by relevance, they stand at the end and harm nobody. Ordered by date or title, they would stand between the
answers, and in a small collection everything would. So the first documents by relevance are judged, and only those that
may be answers are put in order. Never changes the verdict on the search, which is that of its order by relevance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.retrieval.calibration import Strength
from search.retrieval.curation.rules import PIN
from search.retrieval.good_match import strengths
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

JUDGED = 200
_NEAREST = 10  # shown where nothing may be an answer
_WEAK_IN_A_ROW = 50  # judged, and none of them an answer: no more of them are expected behind


@dataclass(frozen=True, slots=True)
class Cut:
    """The documents that are kept, in the order they came in; `complete` tells that no others are expected.

    `has_answers` is false where none may be an answer, and those kept are only the nearest.
    """

    kept: list[VisibleHit]
    left_out: int
    complete: bool
    has_answers: bool = True


def without_weak(query: Query, ranked: Sequence[VisibleHit], documents: "DocumentQuerySet") -> Cut:
    """Return those of the first JUDGED documents by relevance that may be answers; the nearest few, where none may.

    What a curator has pinned is kept. Words without meaning know no weak match, so nothing is left out of those.
    """
    if query.vector is None:
        return Cut(list(ranked), 0, query.exhausted)
    judged = ranked[:JUDGED]
    found = strengths(query, judged, documents.in_bulk([each.document_id for each in judged]))
    pinned = {effect.rule.document_id for effect in query.effects if effect.rule.action == PIN}
    good = [at for at, each in enumerate(judged) if each.document_id in pinned or is_good(found.get(each.document_id))]
    kept = [judged[at] for at in good] or list(judged[:_NEAREST])
    behind = len(judged) - 1 - (good[-1] if good else -1)
    complete = behind >= _WEAK_IN_A_ROW or (query.exhausted and len(judged) == len(ranked))
    return Cut(kept, len(ranked) - len(kept), complete, bool(good))


def is_good(strength: Strength | None) -> bool:
    """Tell whether a document may be an answer."""
    return strength is not None and strength != Strength.WEAK
