"""What to show of a document that was found by its meaning and has none of the query's words: its nearest sentence.

Looks at few documents, at few sentences of each and for a short time; whatever it has not come to is shown from its
beginning. It changes no order.
"""

import logging
from collections.abc import Iterable

from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.retrieval.query import Query
from search.retrieval.reranking.sentence_vectors import Deadline, sentence_vectors
from search.retrieval.reranking.sentences import sentences

logger = logging.getLogger(__name__)

_MOST_RESULTS = 20  # asked for at once; who asks for more does not read them
_MOST_SENTENCES = 8


def nearest_sentences(query: Query, ranges: Iterable[tuple[str, int, int]]) -> list[tuple[int, int] | None]:
    """Return for each `text[start:end]`, best first, the place of the sentence nearest to the query.

    It is None where there is no choice, no meaning to go by, or no time left.
    """
    wanted = list(ranges)
    found: list[tuple[int, int] | None] = [None] * len(wanted)
    if query.vector is None or not query.options.snippet_ms or query.asked.k > _MOST_RESULTS:
        return found
    deadline = Deadline(query.options.snippet_ms)
    for at, (text, start, end) in enumerate(wanted):
        places = sentences(text, start, end, _MOST_SENTENCES)
        if len(places) < 2:
            continue
        try:
            vectors = sentence_vectors(query.opened.version, [text[first:last] for first, last in places], deadline)
        except (EncoderUnavailable, EncodingFailed) as error:
            logger.warning("Snippets are shown from their beginning: %s", error)
            return found
        if vectors is None:
            return found
        near = {place: float(vectors[text[place[0] : place[1]]] @ query.vector) for place in places}
        found[at] = max(near, key=lambda place: near[place])
    return found
