"""What the dense leg's scores become before they are joined with those of words."""

from collections.abc import Callable

import numpy as np
import pytest

from search.index_state import read_state
from search.models import Collection, Document, IndexVersion
from search.retrieval import candidates, fusion, pipeline
from search.retrieval.open_index import open_version
from search.retrieval.query import Asked, Query
from search.retrieval.trace import Trace
from search.retrieval_options import RetrievalOptions

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


@pytest.fixture
def version(collection: Collection, indexed: Indexed) -> IndexVersion:
    """A version of sixty documents, which knows its centre."""
    Document.objects.bulk_create(
        Document(collection=collection, title="", body=f"tram number{number} of depot{number % 7}")
        for number in range(60)
    )
    indexed()
    live = collection.active_version()
    assert live is not None
    return live


def asked(version: IndexVersion, text: str, mode: str = "hybrid") -> Query:
    """Return what a query has become."""
    trace = Trace()
    pipeline.run(Asked(text, mode), opened=open_version(version), options=RetrievalOptions(), trace=trace)
    assert trace.query is not None
    return trace.query


def test_beside_words_meaning_counts_without_what_all_chunks_have_in_common(version: IndexVersion) -> None:
    query = asked(version, "tram number7")
    state = read_state(version)
    assert query.vector is not None

    centre = 0.7 * state.tail_vectors.mean(axis=0)
    left = state.tail_vectors - centre
    expected = left @ (query.vector - centre) / np.linalg.norm(left, axis=1) / np.linalg.norm(query.vector - centre)

    near = candidates.nearness(query)
    assert len(near) == 60
    assert near == pytest.approx(dict(zip(state.tail_ids.tolist(), expected.tolist(), strict=True)), abs=2e-3)
    assert query.dense.scores[int(state.tail_ids[0])] == pytest.approx(
        float(state.tail_vectors[0] @ query.vector), abs=1e-5
    )


def test_where_meaning_stands_alone_it_counts_as_it_is(version: IndexVersion) -> None:
    query = asked(version, "tram number7", "dense")

    assert candidates.nearness(query) == query.dense.scores


def test_without_a_centre_it_counts_as_it_is(version: IndexVersion) -> None:
    IndexVersion.objects.update(calibration={"background": 0.2, "chunks": 60})
    version.refresh_from_db()

    query = asked(version, "tram number7")

    assert candidates.nearness(query) == query.dense.scores


def test_words_of_another_language_count_three_tenths_and_are_not_corrected(
    collection: Collection, indexed: Indexed
) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, body=f"A story of man {n} and of what became of his house.", language="en")
        for n in range(60)
    )
    indexed()
    version = collection.active_version()
    assert version is not None

    query = asked(version, "wie liest man in einem hause eine Dattei")

    assert query.foreign and not query.words.corrected
    weight = 1 - 0.3 * (1 - query.options.dense_weight)
    near, words = candidates.nearness(query), query.lexical.scores
    assert candidates.fused(query) == fusion.standardised(near, words, dense_weight=weight)
    assert not asked(version, "how does a man read of his house").foreign


def test_a_filler_that_few_texts_share_does_not_outweigh_the_meaning(collection: Collection, indexed: Indexed) -> None:
    bodies = [f"Notes on subject {n}, for whoever wants them." for n in range(60)]
    Document.objects.bulk_create(
        Document(collection=collection, body=body) for body in [*bodies, "Make a dark roux.", "Sharpen the knives."]
    )
    indexed()
    version = collection.active_version()
    assert version is not None

    filler = asked(version, "how can I make blades keen once more")
    named = asked(version, "sharpen knives")

    assert candidates.words_worth(filler) < 0.5
    assert candidates.words_worth(named) == 1.0
    assert candidates.dense_weight(0.5, 0.5) == 0.75
    assert candidates.dense_weight(0.0, 0.5) == 0.0
