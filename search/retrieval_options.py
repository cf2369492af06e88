"""How a collection ranks: the options that curators may set, their defaults and what is accepted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

FUSIONS = ("standardised", "convex", "rrf")
RANGES = {"dense_weight": (0, 1), "title_weight": (0, 10), "min_cosine": (-1, 1), "min_shared_words": (0, 1)}


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """How to rank; a collection's `retrieval` options override the defaults."""

    fusion: str = "standardised"
    dense_weight: float = 0.5
    title_weight: float = 0.1
    min_cosine: float = 0.3
    min_shared_words: float = 0.7

    @classmethod
    def over_defaults(cls, given: Mapping[str, Any]) -> "RetrievalOptions":
        """Return what a collection has set over the defaults; unknown keys are refused when saved, left out here."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in given.items() if key in known})


def problem_of(options: Mapping[str, Any]) -> str:
    """Return what is wrong with a collection's retrieval options, or nothing."""
    for key, value in options.items():
        if key == "fusion":
            if value not in FUSIONS:
                return f"fusion is {value!r}; known: {', '.join(FUSIONS)}."
        elif key in RANGES:
            low, high = RANGES[key]
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                return f"{key} is {value!r}; it must be a number from {low} to {high}."
        else:
            return f"Unknown retrieval option {key!r}; known: fusion, {', '.join(RANGES)}."
    return ""
