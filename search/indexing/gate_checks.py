"""Conditions of the gate that a layer above measures: whoever can, registers them when the application starts.

The gate knows neither searching nor evaluation; it only asks. Nothing here measures or judges anything itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from search.models import IndexVersion

Judged = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class MeasuredCheck:
    """A condition that takes longer than one step.

    `step` works for some seconds at most and returns whether there is more to do; `judge` says what came out, or None
    where the condition does not concern the version.
    """

    step: Callable[[IndexVersion], bool]
    judge: Callable[[IndexVersion], Judged | None]


_registered: dict[str, MeasuredCheck] = {}


def register(name: str, check: MeasuredCheck) -> None:
    """Let the gate ask for this, too; of two with the same name the later one counts."""
    _registered[name] = check


def step(version: IndexVersion) -> bool:
    """Measure a little more of what the gate will ask for; return False when all is measured."""
    return any(check.step(version) for check in _registered.values())


def judged(version: IndexVersion) -> Iterator[tuple[str, Judged]]:
    """Yield what concerns the version, by name."""
    for name, check in _registered.items():
        found = check.judge(version)
        if found is not None:
            yield name, found
