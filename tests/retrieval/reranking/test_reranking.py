"""The first documents get a better order within a time; whatever goes wrong leaves the order that there was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search import query_service, registry
from search.datatypes import SearchResponse
from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.models import Collection, CurationRule, Document
from search.retrieval.reranking import reranking, sentence_vectors
from search.retrieval.reranking.reranking import blended
from tests.conftest import MakeDocument
from tests.cross_encoders import tiny_cross_encoder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing is remembered from another test."""
    sentence_vectors.forget()


@pytest.fixture
def bees(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    """Five texts on bees; the last one says in one of its sentences what is asked, and much else."""
    for number in range(4):
        make_document(external_id=f"d{number}", body=f"Bees and honey and sea, of the {number} bees that fly.")
    make_document(external_id="d4", body="Ships sail on a wide grey sea all day. Bees make honey. Nobody knew it then.")
    indexed()


def search(**options: Any) -> SearchResponse:
    return query_service.search("bees make honey", log=False, options=options)


def order(response: SearchResponse) -> list[str]:
    return [result.external_id for result in response.results]


def test_a_sentence_that_says_it_brings_its_document_forward(bees: None) -> None:
    plain = search()
    reranked = search(rerank="maxsim", rerank_weight=1.0, rerank_ms=10_000_000)

    assert order(reranked)[0] == "d4" and sorted(order(reranked)) == sorted(order(plain))
    assert reranked.results[0].rerank_score == 1.0 and plain.results[0].rerank_score is None
    assert reranked.degraded == ()


def test_only_the_first_ones_change_places(bees: None) -> None:
    plain = order(search())
    assert order(search(rerank="maxsim", rerank_weight=1.0, rerank_ms=10_000_000, rerank_top=2))[2:] == plain[2:]


def test_without_time_everything_stays_as_it_was(bees: None) -> None:
    assert order(search(rerank="maxsim", rerank_weight=1.0, rerank_ms=0)) == order(search())


def test_a_sentence_is_encoded_once(bees: None) -> None:
    search(rerank="maxsim", rerank_ms=10_000_000)
    encoder = registry.encoder("")
    assert isinstance(encoder, FakeEncoder)
    before = encoder.calls
    search(rerank="maxsim", rerank_ms=10_000_000)
    assert encoder.calls == before


def test_a_cross_encoder_orders_by_its_scores(bees: None, tmp_path: Path) -> None:
    folder = str(tiny_cross_encoder(tmp_path))
    found = search(rerank="cross_encoder", cross_encoder=folder, rerank_ms=10_000_000)

    scores = [result.rerank_score for result in found.results]
    assert None not in scores and scores == sorted(scores, reverse=True) and len(set(scores)) > 1  # type: ignore[type-var]
    body = Document.objects.get(external_id=found.results[0].external_id).body
    title = found.results[0].title
    alone = registry.cross_encoder(folder).scores("bees make honey", [f"{title}\n{body}".strip()])
    assert scores[0] == pytest.approx(alone[0], abs=1e-4)


def test_a_cross_encoder_that_is_not_there_is_named_and_the_order_stays(bees: None) -> None:
    found = search(rerank="cross_encoder", cross_encoder="/nowhere/at/all")
    assert order(found) == order(search())
    assert len(found.degraded) == 1 and "Reranking is off" in found.degraded[0]


def test_a_pin_stays_above_what_is_reranked(bees: None, collection: Collection) -> None:
    pinned = Document.objects.get(external_id="d2")
    CurationRule.objects.create(collection=collection, queries="bees make honey", action="pin", document=pinned)
    assert order(search(rerank="maxsim", rerank_weight=1.0, rerank_ms=10_000_000))[:2] == ["d2", "d4"]


def test_those_for_which_there_is_no_time_stay_behind_those_that_were_looked_at(
    bees: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        def load(self) -> None:
            pass

        def scores(self, query: str, texts: list[str]) -> list[float]:
            return [float(at) for at in range(len(texts))]

    class Over(sentence_vectors.Deadline):
        def allows(self, seconds: float) -> bool:
            return False

    monkeypatch.setattr(registry, "cross_encoder", lambda name: Slow())
    monkeypatch.setattr(reranking, "Deadline", Over)
    plain = order(search())
    assert order(search(rerank="cross_encoder", cross_encoder="slow")) == [*reversed(plain[:4]), plain[4]]


def test_a_request_may_choose_a_reranker_but_no_model(bees: None) -> None:
    with pytest.raises(query_service.InvalidQuery, match="no cross-encoder"):
        query_service.search("bees", rerank="cross_encoder", log=False)
    with pytest.raises(query_service.InvalidQuery, match="known: none, maxsim"):
        query_service.search("bees", rerank="/etc/model", log=False)


def test_an_encoder_that_fails_is_named(bees: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise EncoderUnavailable("gone")

    monkeypatch.setattr(reranking, "sentence_vectors", fail)
    assert "Reranking is off" in search(rerank="maxsim").degraded[0]


def test_scores_are_blended_over_what_was_looked_at() -> None:
    assert np.allclose(blended([4.0, 2.0, 3.0], [0.1, 0.5, 0.3], 0.25), [0.75, 0.25, 0.5])
    assert blended([1.0, 1.0], [0.2, 0.2], 0.5) == [0.0, 0.0]


def test_a_text_without_the_query_s_words_is_shown_from_its_nearest_sentence(
    make_document: MakeDocument, indexed: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "Nothing of any interest is said at the beginning of this text. "
    make_document(external_id="far", body=first + "Insects fill the combs. It ends with greetings.")
    near = FakeEncoder().encode_query("bees make honey")
    made = FakeEncoder.encode_documents
    monkeypatch.setattr(
        FakeEncoder,
        "encode_documents",
        lambda self, texts: np.stack([near if "Insects" in text else made(self, [text])[0] for text in texts]),
    )
    indexed()

    found = query_service.search("bees make honey", mode="dense", log=False, options={"snippet_ms": 1e9}).results[0]
    off = query_service.search("bees make honey", mode="dense", log=False, options={"snippet_ms": 0}).results[0]

    assert (found.snippet.kind, found.snippet.highlights) == ("meaning", ())
    assert "Insects fill the combs." in found.snippet.text[:30]
    assert off.snippet.kind == "beginning" and "Insects" not in off.snippet.text[:30]
