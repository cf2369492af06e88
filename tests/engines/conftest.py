"""Fixtures of the engines' tests."""

from tests.engines.real_vectors import real_vectors
from tests.real_encoder import real_encoder

__all__ = ["real_encoder", "real_vectors"]
