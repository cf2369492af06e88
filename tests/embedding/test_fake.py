"""The fake encoder keeps an encoder's promises, so that tests with it prove something."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search.embedding.fake import FakeEncoder

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_any_text_has_a_vector_of_norm_one(texts: list[str]) -> None:
    vectors = FakeEncoder().encode_documents(texts)

    assert vectors.shape == (len(texts), 32) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@given(text=ANY_TEXT)
def test_token_spans_ascend_within_the_text(text: str) -> None:
    spans = FakeEncoder().token_spans(text)

    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


def test_the_same_text_has_the_same_vector_from_every_encoder_object() -> None:
    first = FakeEncoder().encode_query("wait for threads")

    np.testing.assert_allclose(first, FakeEncoder().encode_documents(["wait for threads"])[0], atol=1e-6)


def test_texts_that_share_words_are_nearer_than_others() -> None:
    encoder = FakeEncoder()
    query = encoder.encode_query("wait for threads")

    near, far = encoder.encode_documents(["threads wait", "bread and butter"])

    assert float(query @ near) > 0.7 > float(query @ far)


def test_no_texts_have_no_vectors() -> None:
    assert FakeEncoder().encode_documents([]).shape == (0, 32)


def test_another_recipe_is_another_fingerprint() -> None:
    recipes = [FakeEncoder(), FakeEncoder(name="other"), FakeEncoder(revision="2"), FakeEncoder(dimension=16)]

    assert len({encoder.fingerprint for encoder in recipes}) == 4


def test_it_counts_the_documents_that_it_encoded() -> None:
    encoder = FakeEncoder()

    encoder.encode_documents(["a", "b"])
    encoder.encode_query("c")

    assert encoder.calls == 2
