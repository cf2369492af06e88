"""How good a set's answers were over time, as points of a small drawing. Pure arithmetic on finished runs."""

from dataclasses import dataclass

from search.evaluation.metrics import NDCG
from search.models import EvaluationQuerySet, EvaluationRun

WIDTH, HEIGHT = 640, 160
_MARGIN = 12
_MOST = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One run: where it is drawn, and its nDCG@10 with the interval."""

    run: EvaluationRun
    x: float
    y: float
    y_low: float
    y_high: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class History:
    """The runs, oldest first; `path` is the line through them."""

    points: tuple[Point, ...]
    least: float
    most: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def path(self) -> str:
        """The points of an SVG polyline."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


def history_of(query_set: EvaluationQuerySet) -> History:
    """Return the newest finished runs of a set as points between the worst and the best of their intervals."""
    runs = list(EvaluationRun.objects.finished().filter(query_set=query_set).order_by("-pk")[:_MOST])[::-1]
    runs = [run for run in runs if run.metrics.get(NDCG)]
    values = [run.metrics[NDCG] for run in runs]
    least = min((value["low"] for value in values), default=0.0)
    most = max((value["high"] for value in values), default=1.0)
    step = (WIDTH - 2 * _MARGIN) / max(1, len(runs) - 1)

    def height(value: float) -> float:
        share = (value - least) / (most - least) if most > least else 0.5
        return HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)

    points = [
        Point(
            run, _MARGIN + at * step, height(value["mean"]), height(value["low"]), height(value["high"]),
            value["mean"], value["low"], value["high"],
        )
        for at, (run, value) in enumerate(zip(runs, values, strict=True))
    ]  # fmt: skip
    return History(tuple(points), least, most)
