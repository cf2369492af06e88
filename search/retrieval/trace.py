"""What one search found out at each of its stages, kept only where somebody asks why. Decides and changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from search.datatypes import Hit
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit


@dataclass
class Trace:
    """A search that writes down how it went; its pipeline fills it.

    `query` has the words, the vector, both legs' scores by chunk, the effects of rules and, in `found`, the documents
    in their final order. `fused` are the candidates of both legs in one order; `ranked` the documents among them that
    may be seen, before rules.
    """

    query: Query | None = None
    fused: Sequence[Hit] = ()
    ranked: Sequence[VisibleHit] = ()
