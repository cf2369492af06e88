"""Two index versions side by side: what differs in their making, and what that did to what was measured.

Works on the rows alone; measures nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from search.admin import figures
from search.models import IndexVersion

Shown = Callable[[IndexVersion], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of both versions; `verdict` is "better" or "worse" where the first one's figure is."""

    name: str
    here: str
    there: str
    differs: bool
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version beside another, or alone when `there` is None: then only `here` of each row is meant."""

    here: IndexVersion
    there: IndexVersion | None
    recipe: tuple[Row, ...]
    measures: tuple[Row, ...]
    same: tuple[str, ...]


def options(value: dict[str, Any]) -> str:
    """Return options as people read them."""
    return ", ".join(f"{key} {_option(item)}" for key, item in sorted(value.items())) or _("defaults")


def _option(item: Any) -> str:
    if isinstance(item, float):
        return f"{item:.4g}"
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _encoder(version: IndexVersion) -> str:
    return " ".join(filter(None, [version.encoder_name, version.encoder_revision]))


def _built(version: IndexVersion) -> str:
    """Return which index types the segments have, with their search parameters, the largest first."""
    segments = sorted(version.segments.all(), key=lambda segment: -segment.rows)
    texts = [
        f"{segment.index_type} ({options(segment.parameters)})" if segment.parameters else segment.index_type
        for segment in segments
    ]
    if not texts and version.chunks and version.pruned_at is None:
        return _("none yet; few chunks are searched exactly")
    return "; ".join(dict.fromkeys(texts)) or figures.NOTHING


_RECIPE: tuple[tuple[str | Promise, Shown], ...] = (
    (gettext_lazy("Encoder"), _encoder),
    (gettext_lazy("Encoder runtime"), lambda v: v.encoder_runtime),
    (gettext_lazy("Encoder fingerprint"), lambda v: v.encoder_fingerprint[:12]),
    (gettext_lazy("Dimension"), lambda v: str(v.dimension)),
    (gettext_lazy("Chunking"), lambda v: options(v.chunking)),
    (gettext_lazy("Engine"), lambda v: v.engine),
    (gettext_lazy("Engine options"), lambda v: options(v.engine_options)),
)
_BUILT: tuple[tuple[str | Promise, Shown], ...] = (
    (gettext_lazy("Index built"), _built),
    (gettext_lazy("Documents"), lambda v: figures.whole(v.documents)),
    (gettext_lazy("Chunks"), lambda v: figures.whole(v.chunks)),
)
# name, column, how it is written, and whether more of it is better
_MEASURED: tuple[tuple[str | Promise, str, Callable[[Any], str], bool], ...] = (
    (gettext_lazy("Recall@10"), "recall", figures.recall, True),
    (gettext_lazy("Median query"), "median_us", figures.microseconds, False),
    (gettext_lazy("95 % of queries within"), "p95_us", figures.microseconds, False),
    (gettext_lazy("A vector takes"), "bytes_per_vector", figures.per_vector, False),
    (gettext_lazy("Disk"), "disk_bytes", figures.size, False),
    (gettext_lazy("Building took"), "build_seconds", figures.seconds, False),
    (gettext_lazy("Peak memory"), "peak_memory_mb", figures.megabytes, False),
)
_NOISE = 0.05  # smaller differences of time and size are not worth a colour


def compared(here: IndexVersion, there: IndexVersion | None) -> Comparison:
    """Return the two side by side, the differences of their recipes first."""
    recipe = [_row(str(name), shown, here, there) for name, shown in _RECIPE]
    built = [_row(str(name), shown, here, there) for name, shown in _BUILT]
    measured = [_measured(str(name), column, shown, more, here, there) for name, column, shown, more in _MEASURED]
    kept = [row for row in recipe if row.differs or there is None]
    same = tuple(f"{row.name} {row.here}" for row in recipe if row not in kept and row.here != figures.NOTHING)
    known = tuple(row for row in (*built, *measured) if {row.here, row.there} - {figures.NOTHING, ""})
    return Comparison(here, there, tuple(kept), known, same)


def _row(name: str, shown: Shown, here: IndexVersion, there: IndexVersion | None) -> Row:
    mine, other = shown(here), shown(there) if there is not None else ""
    return Row(name, mine, other, differs=there is not None and mine != other)


def _measured(
    name: str, column: str, shown: Callable[[Any], str], more: bool, here: IndexVersion, there: IndexVersion | None
) -> Row:
    mine, other = getattr(here, column), getattr(there, column, None)
    row = _row(name, lambda version: shown(getattr(version, column)), here, there)
    if there is None or not mine or not other or abs(mine - other) <= (0 if more else _NOISE * other):
        return row
    return Row(row.name, row.here, row.there, row.differs, "better" if (mine > other) == more else "worse")
