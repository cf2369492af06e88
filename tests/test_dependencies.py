"""Every dependency is pinned, asked for by name, and explained in one line."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def names(requirements: list[str]) -> set[str]:
    """Return the packages' names as the index spells them, without extras and versions."""
    return {re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def pins(file: str) -> list[str]:
    """Return the requirement lines of a file, without comments and includes."""
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r"))]


def test_every_package_that_is_asked_for_has_its_line_in_the_documentation() -> None:
    documented = set(
        re.findall(r"^\| ([a-z0-9-]+) \| \S", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    )
    assert documented - {"package"} == names(GROUPS["runtime"]) | names(GROUPS["test"])


def test_every_requirement_is_an_exact_version() -> None:
    loose = [line for line in pins("requirements.txt") + pins("requirements-dev.txt") if not re.search(r"==\d", line)]
    assert loose == []


def test_every_package_that_is_asked_for_is_pinned() -> None:
    assert names(GROUPS["runtime"]) - names(pins("requirements.txt")) == set()
    assert names(GROUPS["test"]) - names(pins("requirements-dev.txt")) == set()


def test_torch_is_installed_first_by_the_version_that_is_pinned() -> None:
    (pinned,) = [line for line in pins("requirements.txt") if line.startswith("torch==")]
    assert f"TORCH := {pinned}\n" in (ROOT / "Makefile").read_text()
