"""What an answer's scores mean: how sure one may be that a document answers, on one index version. Pure arithmetic.

A cosine of 0.3 is much in one collection and nothing in another. What a version's nearest chunks say to questions
that it cannot answer is its background (the indexing worker measures it and keeps it on the version); how far a cosine
stands above that, as a share of what there is between the background and 1, compares between collections and encoders.
With the share of the query's words that the text has, weighted by their rarity, it gives the confidence by a logistic
function, fitted on judged queries and questions from elsewhere on six collections (docs/relevance.md).
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from search.datatypes import Vectors

_ABOVE_BACKGROUND = 16.0
_SHARED_WORDS = 9.0
_INTERCEPT = -7.0
_AHEAD_OF_BACKGROUND = 2.5
_STRONG = 2.0  # the background has one in two hundred so high
_POSSIBLE = -1.75  # of the judged queries two in a hundred have nothing as high
TELLING = 3  # of the answers, best first


class Strength(StrEnum):
    """How sure one may be that a document answers the query."""

    STRONG = "strong"
    POSSIBLE = "possible"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of one document found: the cosine of its best chunk, and its share of the query's words.

    `cosine` is None where meaning took no part, `shared` where words took none. `lead` is how far the cosine is above
    that of a chunk further down (`Leads.over`), given where the query's words say nothing.
    """

    cosine: float | None
    shared: float | None
    lead: float | None = None


@dataclass(frozen=True, slots=True)
class Leads:
    """How far the nearest chunk is ahead of the one in place `over`, for questions that the collection does not answer.

    `usual` is the median; `high` is what few of the questions reach.
    """

    over: int
    usual: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`background`: the median cosine of the chunk nearest to a question that the collection does not answer.

    `centre`, shape (d,), is the mean of the collection's vectors, or None where it is not known.
    """

    background: float
    centre: Vectors | None = field(default=None, compare=False)
    leads: Leads | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Calibration | None":
        """Return the calibration that a version's row keeps, or None when there is none yet."""
        if not value:
            return None
        leads = Leads(**value["leads"]) if value.get("leads") else None
        return cls(float(value["background"]), _read(value.get("centre", "")), leads)

    def confidence(self, signals: Signals) -> float:
        """Return how sure one may be, from 0 to 1. Where words took no part, a usual share of them is taken."""
        return 1 / (1 + math.exp(-self.log_odds(signals)))

    def strength(self, signals: Signals) -> Strength:
        """Return the confidence in a word. Words alone are no more than possible: they know no background."""
        if signals.cosine is None:
            return Strength.POSSIBLE
        odds = self.log_odds(signals)
        return Strength.STRONG if odds >= _STRONG else Strength.POSSIBLE if odds >= _POSSIBLE else Strength.WEAK

    def log_odds(self, signals: Signals) -> float:
        """Return how sure one may be, without an end to either side: what compares documents of several collections."""
        if signals.lead is not None and self.leads is not None:
            scale = max(self.leads.high - self.leads.usual, 1e-6)
            return _POSSIBLE + _AHEAD_OF_BACKGROUND * (signals.lead - self.leads.high) / scale
        near = 0.0 if signals.cosine is None else (signals.cosine - self.background) / max(1 - self.background, 1e-6)
        shared = 0.3 if signals.shared is None else signals.shared
        odds = _ABOVE_BACKGROUND * near + _SHARED_WORDS * shared + _INTERCEPT
        return max(-500.0, min(500.0, odds))


def _read(centre: str) -> Vectors | None:
    """Return the vector that a row keeps in half precision and base64, or None when it keeps none."""
    return np.frombuffer(base64.b64decode(centre), np.float16).astype(np.float32) if centre else None
