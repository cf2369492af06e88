"""Vectors leave an encoder with norm 1, or not at all."""

import numpy as np
import pytest

from search.embedding.base import EncodingFailed, normalised


def test_vectors_are_brought_to_norm_one_as_float32() -> None:
    result = normalised(np.array([[3.0, 4.0], [0.0, -2.0]]))

    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [[0.6, 0.8], [0.0, -1.0]], atol=1e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0])
def test_a_vector_without_a_direction_is_named_by_its_position(bad: float) -> None:
    rows = np.ones((3, 4))
    rows[1] = bad

    with pytest.raises(EncodingFailed) as caught:
        normalised(rows)

    assert caught.value.position == 1


def test_no_vectors_are_normal() -> None:
    assert normalised(np.empty((0, 4))).shape == (0, 4)
