"""Cosines without most of what a collection has in common; seven tenths of the centre are taken off."""

import numpy as np
import pytest

from search.retrieval.centring import centred

EAST = np.array([1, 0], np.float32)


def near(chunks: np.ndarray, query: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return centred(chunks @ query, chunks @ centre, query, centre)


def test_the_cosine_is_that_of_what_is_left_of_both() -> None:
    # The centre is (0.5, 0): the query is left with (0.65, 0), the chunks with (0.65, 0), (-0.35, 1), (0.25, 0.8).
    chunks = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)

    found = near(chunks, EAST, np.array([0.5, 0], np.float32))

    # -0.35/√1.1225, 0.25/√0.7025
    assert found.tolist() == pytest.approx([1.0, -0.330350, 0.298275], abs=1e-5)


def test_without_a_common_direction_they_are_the_cosines() -> None:
    chunks = np.array([[1, 0], [0.6, 0.8]], np.float32)

    assert near(chunks, EAST, np.zeros(2, np.float32)).tolist() == pytest.approx([1.0, 0.6])


def test_of_two_chunks_as_near_to_a_query_the_one_that_is_less_like_all_others_is_nearer() -> None:
    chunks = np.array([[0.8, 0.6, 0], [0.8, 0, 0.6]], np.float32)

    like_all, unlike = near(chunks, np.array([1, 0, 0], np.float32), np.array([0, 0.5, 0], np.float32))

    assert unlike > like_all


def test_what_is_nothing_but_the_centre_is_near_to_nothing() -> None:
    centre = EAST / np.float32(0.7)

    assert near(EAST[None], np.array([0, 1], np.float32), centre).tolist() == pytest.approx([0.0], abs=1e-3)
