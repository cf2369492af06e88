"""The oracle keeps the contract itself, and its distances are the textbook's."""

from typing import Any

import numpy as np
import pytest

from search.datatypes import IndexState
from search.engines.base import BadEngineOptions, Engine
from search.engines.exact_engine import ExactEngine, ExactReader
from search.engines.faiss_engine import FaissEngine
from tests.engines.contract import EngineContract
from tests.engines.layouts import DIMENSION, NO_IDS, Builder, ids_of


class TestExactEngine(EngineContract):
    """The contract."""

    bad_options = (({"index_type": "Flat"}, "has no options; remove 'index_type'"),)

    def make_engine(self, options: dict[str, Any] | None = None) -> Engine:
        return ExactEngine(options or {})


def test_distances_are_squared_l2() -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0], [0.6, 0.8]], np.float32)
    reader = ExactReader(1, 2, ids_of(10, 11, 12, 13), vectors)

    (found,) = reader.search(np.array([[1, 0]], np.float32), 4)

    # (1 - 0.6)² + 0.8² = 0.8; 1² + 1² = 2; 2² = 4
    assert found.ids.tolist() == [10, 13, 11, 12]
    np.testing.assert_allclose(found.distances, [0, 0.8, 2, 4], atol=1e-6)


def test_equal_distances_come_in_the_order_of_their_ids() -> None:
    vectors = np.array([[0, 1], [1, 0], [0, 1]], np.float32)
    reader = ExactReader(1, 2, ids_of(7, 9, 3), vectors)

    (found,) = reader.search(np.array([[0, 1]], np.float32), 3)

    assert found.ids.tolist() == [3, 7, 9]


def test_it_refuses_a_state_with_segments_of_another_engine(tmp_path: Any) -> None:
    segment = Builder(FaissEngine({}), tmp_path).seal(range(5))
    state = IndexState(1, DIMENSION, (segment,), NO_IDS, np.empty((0, DIMENSION), np.float32), NO_IDS)

    with pytest.raises(BadEngineOptions, match="rebuild"):
        ExactEngine({}).open(state)
