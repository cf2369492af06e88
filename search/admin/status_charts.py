"""The last 24 hours as small drawings on the first page: lines through what the worker sampled. Pure arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from search.admin import figures
from search.status.samples import Column

WIDTH, HEIGHT = 320, 72
_MARGIN = 4
_ROWS = 12


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over time. `lines` are the points of SVG polylines, with gaps where nothing was measured.

    `dots` are measured columns without a neighbour. `rows` say the same in words: (time, value).
    """

    title: str
    most: str
    last: str
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    rows: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def charts(columns: Sequence[Column]) -> list[Chart]:
    """Return the charts of what was sampled; none where a line would say nothing yet."""
    drawn = [
        _chart(_("Time of 95 of 100 searches"), columns, lambda column: column.p95_seconds, figures.milliseconds),
        _chart(_("Searches in half an hour"), columns, lambda column: column.searches, figures.whole),
        _chart(_("Waiting for the index"), columns, lambda column: column.pending, figures.whole),
        _chart(_("Documents in the index"), columns, lambda column: column.documents, figures.whole),
    ]
    return [chart for chart in drawn if chart is not None]


def _chart(
    title: str,
    columns: Sequence[Column],
    value_of: Callable[[Column], float | None],
    shown: Callable[[float | None], str],
) -> Chart | None:
    values = [value_of(column) for column in columns]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    most = max(known)
    points = [None if value is None else _point(at, len(values), value, most) for at, value in enumerate(values)]
    runs = _runs(points)
    return Chart(
        title=title,
        most=shown(most),
        last=shown(known[-1]),
        lines=tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs if len(run) > 1),
        dots=tuple(run[0] for run in runs if len(run) == 1),
        rows=tuple((_clock(column.begin), shown(value_of(column))) for column in _some(columns)),
    )


def _point(at: int, count: int, value: float, most: float) -> tuple[float, float]:
    share = value / most if most else 0.0
    return (
        _MARGIN + at * (WIDTH - 2 * _MARGIN) / (count - 1),
        HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN),
    )


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Return the points that follow one another without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _some(columns: Sequence[Column]) -> Sequence[Column]:
    """Return about a dozen of the columns, the last one always among them."""
    step = max(1, len(columns) // _ROWS)
    return columns[::-1][::step][::-1]


def _clock(moment: datetime) -> str:
    return time_format(localtime(moment), "TIME_FORMAT")
