"""Which FAISS index types can be asked for, by which options, and what each becomes for a number of vectors.

Everything that cannot work is refused here, before any vector is read, with what is wrong and what would do.
Builds nothing and opens nothing; `auto` is only named here, its choice is made in `faiss_tuning`.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .base import BadEngineOptions
from .faiss_layers import VECTORS_PER_CENTROID, Layers, layers_of

Values = tuple[tuple[str, float], ...]

AUTO, RULE = "auto", "rule"
RULE_NPROBE = 10
RULE_IVF_FROM, RULE_PQ_FROM = 100_000, 10_000_000
DEFAULT_RECALL = 0.98

_SEARCH_OPTIONS = ("nprobe", "efSearch", "k_factor")
_OPTIONS = ("index_type", "recall", "memory_mb", "efConstruction", *_SEARCH_OPTIONS)
_FEWEST_LINKS, _FEWEST_NUMBERS = 4, 2
_MAX_LENGTH, _MAX_NUMBER, _MAX_PQ_BITS = 200, 10_000_000, 12


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is really built: a factory string, construction parameters, and search parameters that are not tuned."""

    factory: str
    build: Values = ()
    search: Values = ()


def ivf_lists(rows: int) -> int:
    """Return nlist: about the square root of the number of vectors, and enough vectors for each centroid."""
    return max(1, min(round(math.sqrt(rows)), rows // VECTORS_PER_CENTROID))


def pq_parts(dimension: int, wanted: int = 48) -> int:
    """Return the number of PQ sub-vectors nearest to 48 that divides the dimension."""
    return min((m for m in range(1, dimension + 1) if dimension % m == 0), key=lambda m: (abs(m - wanted), m))


NAMED: Mapping[str, Callable[[int, int], str]] = {
    "Flat": lambda rows, dimension: "Flat",
    "SQ8": lambda rows, dimension: "SQ8",
    "IVFFlat": lambda rows, dimension: f"IVF{ivf_lists(rows)},Flat",
    "IVFPQ": lambda rows, dimension: f"IVF{ivf_lists(rows)},PQ{pq_parts(dimension)}",
    "IVFPQFastScan": lambda rows, dimension: f"IVF{ivf_lists(rows)},PQ{pq_parts(dimension)}x4fs,Refine(SQfp16)",
    "HNSW": lambda rows, dimension: "HNSW32,Flat",
    "HNSW,SQ8": lambda rows, dimension: "HNSW32,SQ8",
    "RaBitQ": lambda rows, dimension: "RaBitQ,Refine(SQfp16)",
    "IVFRaBitQ": lambda rows, dimension: f"IVF{ivf_lists(rows)},RaBitQ,Refine(SQfp16)",
}
"""The types that have a name, each as the factory string for (number of vectors, dimension)."""


def _refuse_fatal(factory: str) -> None:
    """Refuse numbers with which FAISS ends the whole process when the index is filled."""
    for text in re.findall(r"HNSW(\d+)", factory):
        if int(text) < _FEWEST_LINKS:
            raise BadEngineOptions(
                f"index_type {factory!r} gives each vector {text} links; at least {_FEWEST_LINKS}, and 32 do well."
            )
    for text in re.findall(r"PQ\d+x(\d+)", factory):
        if int(text) < 1:
            raise BadEngineOptions(f"index_type {factory!r} has codes of {text} bits; 8 do well, and 4 for FastScan.")


def validate(options: Mapping[str, Any]) -> None:
    """Raise BadEngineOptions for whatever is wrong with the options at every dimension."""
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise BadEngineOptions(f"Unknown engine option {min(unknown)!r}; known: {', '.join(_OPTIONS)}.")
    _number(options, "recall", 0.5, 1)
    _number(options, "memory_mb", 1, 1e9)
    if "memory_mb" in options and type_of(options) != AUTO:
        raise BadEngineOptions(
            f"memory_mb is for index_type {AUTO!r}, which chooses what fits; {type_of(options)!r} is as large as it is."
        )
    _number(options, "k_factor", 1, 1_000)
    for name in ("nprobe", "efSearch", "efConstruction"):
        _number(options, name, 1, 1_000_000, whole=True)
    _check_type(options, _nominal_dimension(type_of(options)), None)


def check(options: Mapping[str, Any], dimension: int, rows: int | None) -> None:
    """Raise BadEngineOptions when the options cannot work at this dimension or, if told, with so many vectors."""
    _check_type(options, dimension, rows)


def type_of(options: Mapping[str, Any]) -> str:
    """Return the index type that the options ask for. Raises BadEngineOptions for what is no text."""
    name = options.get("index_type", AUTO)
    if not isinstance(name, str) or not name.strip():
        raise BadEngineOptions(f"index_type is {name!r}; known: {_known()}, or a FAISS factory string.")
    return name


def recall_of(options: Mapping[str, Any]) -> float:
    """Return the recall@10 that approximate types are tuned to."""
    return float(options.get("recall", DEFAULT_RECALL))


def is_fixed(options: Mapping[str, Any]) -> bool:
    """Tell whether the search parameters are somebody's choice, and not tuned."""
    return type_of(options) == RULE or any(name in options for name in _SEARCH_OPTIONS)


def target_of(options: Mapping[str, Any]) -> float | None:
    """Return the recall@10 to be reached; None where fixed parameters decide and no recall was named."""
    return None if is_fixed(options) and "recall" not in options else recall_of(options)


def recipe_for(options: Mapping[str, Any], rows: int, dimension: int) -> Recipe | None:
    """Return what to build of so many vectors, or None for `auto`. Too few vectors for the type are built Flat."""
    name = type_of(options)
    if name == AUTO:
        return None
    search = {key: options[key] for key in _SEARCH_OPTIONS if key in options}
    if name == RULE:
        search = {"nprobe": RULE_NPROBE, **search}
        name = "Flat" if rows < RULE_IVF_FROM else "IVFFlat" if rows < RULE_PQ_FROM else "IVFPQ"
    factory = NAMED[name](rows, dimension) if name in NAMED else name
    build = tuple((key, options[key]) for key in ("efConstruction",) if key in options)
    return fitting(Recipe(factory, build, tuple(sorted(search.items()))), rows, dimension)


def fitting(recipe: Recipe, rows: int, dimension: int) -> Recipe:
    """Return the recipe, or the exact Flat when there are too few vectors to train it; drops what does not apply."""
    layers = layers_of(make_index(recipe, dimension))
    if rows < layers.vectors_needed:
        return Recipe("Flat")
    build = recipe.build if layers.kind == "graph" else ()
    return Recipe(recipe.factory, build, tuple(item for item in recipe.search if item[0] in layers.tunable))


def make_index(recipe: Recipe, dimension: int) -> Any:
    """Return an empty, untrained index of a recipe. Raises BadEngineOptions when FAISS cannot make it."""
    import faiss

    _check_text(recipe.factory)
    try:
        index = faiss.index_factory(dimension, recipe.factory, faiss.METRIC_L2)
    except (RuntimeError, MemoryError, AssertionError) as error:
        raise BadEngineOptions(_why(recipe.factory, dimension, error)) from error
    layers = layers_of(index)
    _refuse_useless(recipe.factory, layers)
    for name, value in recipe.build:
        if layers.kind == "graph" and name == "efConstruction":
            layers.leaf.hnsw.efConstruction = int(value)
    return index


def _check_type(options: Mapping[str, Any], dimension: int, rows: int | None) -> None:
    name = type_of(options)
    if name in (AUTO, RULE):
        allowed = ("nprobe",) if name == RULE else ()
        _refuse_parameters(options, name, allowed)
        return
    recipe = Recipe(NAMED[name](1_000_000, dimension) if name in NAMED else name)
    layers = layers_of(make_index(recipe, dimension))
    _refuse_parameters(options, name, layers.tunable + (("efConstruction",) if layers.kind == "graph" else ()))
    needed = layers.vectors_needed
    if rows is not None and name not in NAMED and rows < needed:
        lists = f" nlist may be at most {rows // VECTORS_PER_CENTROID} here." if layers.kind == "ivf" else ""
        raise BadEngineOptions(
            f"index_type {name!r} needs at least {needed:,} vectors to be trained, and there are {rows:,}.{lists} "
            "Use IVFFlat or IVFPQ, which follow the number of vectors, or auto."
        )


def _refuse_useless(factory: str, layers: Layers) -> None:
    """Refuse what FAISS makes without a word, and what then finds nothing or costs more than it saves."""
    import faiss

    quantizer = getattr(layers.leaf, "sq", None)
    direct = (faiss.ScalarQuantizer.QT_8bit_direct, faiss.ScalarQuantizer.QT_8bit_direct_signed)
    if quantizer is not None and quantizer.qtype in direct:
        raise BadEngineOptions(
            f"index_type {factory!r} cuts numbers to whole ones, and vectors of norm 1 to 0. Use SQ8."
        )
    if layers.kind == "ivf" and layers.leaf.nlist < 1:
        raise BadEngineOptions(f"index_type {factory!r} has no lists. Use IVFFlat, whose nlist follows the vectors.")
    for transform in layers.transforms:
        if transform.d_out < _FEWEST_NUMBERS:
            raise BadEngineOptions(
                f"index_type {factory!r} keeps {transform.d_out} of the {transform.d_in} numbers that a vector has; "
                f"use {transform.d_in // 2}."
            )
        if transform.d_out > transform.d_in:
            raise BadEngineOptions(
                f"index_type {factory!r} makes {transform.d_out} numbers of the {transform.d_in} that a vector has; "
                f"use {transform.d_in // 2}."
            )


def _refuse_parameters(options: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    for key in ("efConstruction", *_SEARCH_OPTIONS):
        if key in options and key not in allowed:
            hint = (
                "it sets them itself, to reach `recall`" if name == AUTO else "it has " + (", ".join(allowed) or "none")
            )
            raise BadEngineOptions(f"Option {key!r} does not belong to index_type {name!r}: {hint}. Remove it.")


def _number(options: Mapping[str, Any], name: str, low: float, high: float, *, whole: bool = False) -> None:
    value = options.get(name, low)
    good = isinstance(value, int) or (isinstance(value, float) and not whole)
    if not good or isinstance(value, bool) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise BadEngineOptions(f"{name} is {value!r}; it must be {kind} from {low:,g} to {high:,g}.")


def _check_text(factory: str) -> None:
    """Refuse what FAISS would answer by exhausting the memory, or by another index than the words say."""
    numbers = [int(number) for number in re.findall(r"\d+", factory)]
    if len(factory) > _MAX_LENGTH or any(number > _MAX_NUMBER for number in numbers):
        raise BadEngineOptions(f"index_type {factory[:60]!r} is too long or has a number above {_MAX_NUMBER:,}.")
    if any(int(bits) > _MAX_PQ_BITS for bits in re.findall(r"PQ\d+\+?x(\d+)", factory)):
        raise BadEngineOptions(f"index_type {factory!r} has codes of more than {_MAX_PQ_BITS} bits. Use PQ48 (8 bits).")
    if any(int(links) > 512 for links in re.findall(r"HNSW(\d+)", factory)):
        raise BadEngineOptions(f"index_type {factory!r} has more than 512 links a vector. Use HNSW32.")
    _refuse_fatal(factory)
    if factory.startswith("IDMap"):
        raise BadEngineOptions(
            f"index_type {factory!r} stores ids of its own; a segment has them already. Remove IDMap."
        )
    if factory.startswith("B"):
        raise BadEngineOptions(f"index_type {factory!r} is a binary index; vectors are numbers here. Use RaBitQ.")


def _nominal_dimension(factory: str) -> int:
    """Return a dimension at which only what is wrong at every dimension is wrong."""
    parts = [int(m) for m in re.findall(r"PQ(\d+)", factory) if 0 < int(m) <= 4_096]
    widths = [int(width) for width in re.findall(r"(?:PCAR?|RR|_)(\d+)", factory) if int(width) <= 4_096]
    common = math.lcm(*parts[:2])
    return common * math.ceil(max(384, *widths) / common) if widths else common * math.ceil(384 / common)


def _why(factory: str, dimension: int, error: BaseException) -> str:
    """Say in words why FAISS cannot make this index."""
    for before, m in re.findall(r"^(.*?),?PQ(\d+)", factory):
        projected = re.findall(r"(?:PCA|_)(\d+),", before + ",")
        width = int(projected[-1]) if projected else dimension
        if int(m) == 0 or width % int(m):
            near = pq_parts(width, int(m))
            return f"index_type {factory!r}: PQ{m} does not divide the {width} numbers of a vector; PQ{near} would."
    lines = str(error).splitlines() or [type(error).__name__]
    reason = re.sub(r"^.*?(?:Error: '.*?' failed|\.cpp:\d+): *", "", lines[0])
    return f"index_type {factory!r} cannot be used: {reason}. Known: {_known()}, or a FAISS factory string."


def _known() -> str:
    return ", ".join((AUTO, RULE, *NAMED))
