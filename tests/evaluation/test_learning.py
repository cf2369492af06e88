"""Learning a collection's weight of meaning from judgments."""

from collections.abc import Callable

import numpy as np
import pytest

from search.evaluation.learning import CannotLearn, Scored, cross_validated, learn_dense_weight
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet
from tests.conftest import MakeDocument


def query(*, right_by_words: bool, right_by_meaning: bool, seed: int = 0) -> Scored:
    """Ten documents, one of them relevant, which a leg puts first or among the last."""
    random = np.random.default_rng(seed)
    dense, lexical = (dict(enumerate(random.uniform(0.3, 0.5, 10))) for _ in range(2))
    dense[9] = 0.9 if right_by_meaning else 0.1
    lexical[9] = 0.9 if right_by_words else 0.1
    return Scored(dense, lexical, {pk: f"d{pk}" for pk in range(10)}, {"d9": 1})


def test_where_only_words_are_right_they_are_learned_to_count() -> None:
    queries = [query(right_by_words=True, right_by_meaning=False, seed=seed) for seed in range(40)]

    learned = cross_validated(queries, method="convex", baseline=0.8)

    assert learned.value < 0.5
    assert learned.ndcg == pytest.approx(1.0)
    assert learned.baseline_ndcg < 0.9
    assert (learned.is_better, learned.change.wins, learned.queries) == (True, 40, 40)


def test_where_nothing_is_to_be_gained_the_weight_stays_and_is_no_better() -> None:
    queries = [query(right_by_words=True, right_by_meaning=True, seed=seed) for seed in range(40)]

    learned = cross_validated(queries, method="standardised", baseline=0.5)

    assert (learned.value, learned.is_better) == (0.5, False)
    assert learned.ndcg_by_fold == learned.baseline_by_fold == (1.0,) * 5


def test_what_is_learned_from_chance_is_not_called_better() -> None:
    """One query in forty is an exception: its own fold cannot learn from it."""
    queries = [query(right_by_words=True, right_by_meaning=True, seed=seed) for seed in range(39)]
    queries.append(query(right_by_words=False, right_by_meaning=True, seed=99))

    learned = cross_validated(queries, method="standardised", baseline=0.5)

    assert not learned.is_better


def test_chunks_of_one_document_are_one_answer() -> None:
    scored = Scored({1: 0.9, 2: 0.8, 3: 0.7}, {1: 3.0, 2: 2.0, 3: 1.0}, {1: "a", 2: "a", 3: "b"}, {"b": 1})

    learned = cross_validated([scored] * 20, method="standardised", baseline=0.5)

    assert learned.ndcg == pytest.approx(1 / np.log2(3))  # the second of two documents


@pytest.mark.django_db
def test_a_collection_learns_from_its_query_set_and_is_not_changed(
    collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    for number in range(25):
        make_document(external_id=f"d{number}", title=f"Page {number}", body=f"word{number} stands on page{number}")
    query_set = EvaluationQuerySet.objects.create(collection=collection, name="pages")
    judgments.store(query_set, [JudgedQuery(f"q{n}", f"word{n}", {f"d{n}": 1}) for n in range(25)])
    indexed()

    learned = learn_dense_weight(query_set)

    assert (learned.queries, learned.baseline) == (25, 0.5)
    assert learned.ndcg == pytest.approx(1.0)
    collection.refresh_from_db()
    assert collection.retrieval == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("retrieval", "judged", "why"),
    [({}, 3, "has 3 queries with a relevant document"), ({"fusion": "rrf"}, 25, "rrf, which has no weight")],
)
def test_what_cannot_be_learned_says_why(
    collection: Collection,
    make_document: MakeDocument,
    indexed: Callable[[], int],
    retrieval: dict[str, str],
    judged: int,
    why: str,
) -> None:
    collection.retrieval = retrieval
    collection.save()
    make_document(external_id="d1", title="", body="word")
    query_set = EvaluationQuerySet.objects.create(collection=collection, name="few")
    judgments.store(query_set, [JudgedQuery(f"q{n}", f"word{n}", {"d1": 1}) for n in range(judged)])
    indexed()

    with pytest.raises(CannotLearn, match=why):
        learn_dense_weight(query_set)
