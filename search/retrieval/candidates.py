"""The first stages of a query: its vector, the candidates of both legs, each scored by both, and their fusion."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.translation import gettext as _

from search.datatypes import Hit
from search.retrieval import fusion
from search.retrieval.calibration import Calibration
from search.retrieval.centring import centred
from search.retrieval.legs import add_bm25, add_cosines, dense_candidates, lexical_candidates
from search.retrieval.query import Query
from search.retrieval.query_vectors import begin_query_vector

_WELL_MATCHED = 1.0  # times what all telling words together score, each once (docs/relevance.md)
_FOREIGN_WORDS = 0.3  # names and numbers are the same in many languages


def begin_encoding(query: Query) -> None:
    """Have the query's vector made beside what comes next, or note why the dense leg cannot take part."""
    words_are_off = query.opened.lexical is None and query.opened.lexical_problem
    if not query.use_dense and not words_are_off:
        return
    if query.opened.dense is None:
        query.degraded.append(_("Search by meaning is off: its index cannot be opened and waits to be restored."))
        return
    query.encoding = begin_query_vector(query.opened.version, query.parsed.plain or query.asked.text)


def collect(query: Query, limit: int) -> None:
    """Fill both legs with up to `limit` candidates each, and score each leg's finds by the other too.

    When the leg that was asked for cannot answer, the other stands in.
    """
    dense, lexical = query.opened.dense, query.opened.lexical
    # Words first: the vector is being made meanwhile.
    wants_lexical = query.use_lexical or query.vector is None
    if wants_lexical and lexical is None and query.opened.lexical_problem and not query.lexical.scores:
        message = _("Search by words is off: its index is being built anew.")
        query.degraded.extend([] if message in query.degraded else [message])
    if wants_lexical and lexical is not None:
        spent = query.lexical.milliseconds
        query.lexical = lexical_candidates(lexical, query.words, limit, query.allowed)
        query.lexical.milliseconds += spent
    if dense is not None and query.vector is not None:
        spent = query.dense.milliseconds
        query.dense = dense_candidates(dense, query.vector, limit, query.allowed)
        query.dense.milliseconds += spent
    if query.dense.scores and query.lexical.scores and dense is not None and query.vector is not None:
        found_by_words = list(query.lexical.scores)
        if lexical is not None:
            add_bm25(query.lexical, lexical, query.words, query.dense.scores)
        add_cosines(query.dense, dense, query.vector, found_by_words)


def score(query: Query, chunk_ids: Sequence[int]) -> None:
    """Score chunks that were found before, by both legs."""
    dense, lexical = query.opened.dense, query.opened.lexical
    if dense is not None and query.vector is not None:
        add_cosines(query.dense, dense, query.vector, chunk_ids)
    if query.use_lexical and lexical is not None:
        add_bm25(query.lexical, lexical, query.words, chunk_ids)


def fused(query: Query) -> list[Hit]:
    """Return the candidates of both legs in one order, best first."""
    options = query.options
    weight = dense_weight(options.dense_weight, words_worth(query))
    return fusion.fuse(nearness(query), query.lexical.scores, method=options.fusion, dense_weight=weight)


def dense_weight(of_collection: float, worth: float) -> float:
    """Return what meaning weighs in a query whose words are worth so much: they give up the rest of their weight.

    Where meaning is to count for nothing, it does not.
    """
    return 1 - (1 - of_collection) * worth if of_collection else 0.0


def words_worth(query: Query) -> float:
    """Return the share, 0 to 1, of their weight that words deserve in this query."""
    return _FOREIGN_WORDS if query.foreign else _telling(query)


def _telling(query: Query) -> float:
    """Return less than 1 where even the best match has few of the telling words.

    A filler that two texts of a small collection share sets them apart from all others, by BM25, and says nothing.
    """
    everything = sum(weight for weight, _ in query.weighed_words)
    best = max(query.lexical.scores.values(), default=0.0)
    return min(1.0, best / (_WELL_MATCHED * everything)) if everything else 1.0


def nearness(query: Query) -> Mapping[int, float]:
    """Return the dense scores by chunk as they count beside words: without most of what the collection has in common.

    They are the cosines where meaning stands alone, and while the version does not know its centre.
    """
    dense, cosines = query.opened.dense, query.dense.scores
    if not cosines or not query.lexical.scores or dense is None or query.vector is None:
        return cosines
    calibration = Calibration.from_json(query.opened.version.calibration)
    if calibration is None or calibration.centre is None:
        return cosines
    centre = calibration.centre
    ids = np.fromiter(cosines, np.int64, len(cosines))
    towards = (1.0 + float(centre @ centre) - dense.distances(centre, ids)) / 2.0
    near = centred(np.fromiter(cosines.values(), np.float64, len(cosines)), towards, query.vector, centre)
    return dict(zip(ids.tolist(), near.tolist(), strict=True))
