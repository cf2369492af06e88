"""The real encoder, for what a fake one cannot show."""

from tests.real_encoder import real_encoder

__all__ = ["real_encoder"]
