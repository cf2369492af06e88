"""How a collection ranks: the options that curators may set, their defaults and what is accepted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

FUSIONS = ("standardised", "convex", "rrf")
RERANKERS = ("none", "maxsim", "cross_encoder")
_CHOICES = {"fusion": FUSIONS, "rerank": RERANKERS}
RANGES = {
    "dense_weight": (0, 1),
    "title_weight": (0, 10),
    "min_cosine": (-1, 1),
    "min_shared_words": (0, 1),
    "rerank_top": (1, 100),
    "rerank_ms": (1, 10_000),
    "rerank_weight": (0, 1),
    "snippet_ms": (0, 1_000),
}


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """How to rank; a collection's `retrieval` options override the defaults."""

    fusion: str = "standardised"
    dense_weight: float = 0.5
    title_weight: float = 0.1
    min_cosine: float = 0.3
    min_shared_words: float = 0.7
    rerank: str = "none"
    cross_encoder: str = ""  # name or folder of the model; what asks for a search cannot choose it
    rerank_top: int = 20
    rerank_ms: float = 300.0
    rerank_weight: float = 0.3
    snippet_ms: float = 100.0

    @classmethod
    def over_defaults(cls, given: Mapping[str, Any]) -> "RetrievalOptions":
        """Return what a collection has set over the defaults; unknown keys are refused when saved, left out here."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in given.items() if key in known})


def problem_of(options: Mapping[str, Any]) -> str:
    """Return what is wrong with a collection's retrieval options, or nothing."""
    for key, value in options.items():
        if key in _CHOICES:
            if value not in _CHOICES[key]:
                return f"{key} is {value!r}; known: {', '.join(_CHOICES[key])}."
        elif key == "cross_encoder":
            if not isinstance(value, str):
                return f"cross_encoder is {value!r}; it must be the name or the folder of a model."
        elif key in RANGES:
            low, high = RANGES[key]
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                return f"{key} is {value!r}; it must be a number from {low} to {high}."
        else:
            return (
                f"Unknown retrieval option {key!r}; known: {', '.join(('fusion', *RANGES, 'rerank', 'cross_encoder'))}."
            )
    if options.get("rerank") == "cross_encoder" and not options.get("cross_encoder"):
        return "rerank is 'cross_encoder', but cross_encoder names no model."
    return ""
