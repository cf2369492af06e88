"""The documents are true: what they name exists, and what exists is named."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import resolve

from search.conf import Conf

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"`((?:search|semsearch_project|tests|templates|benchmarks|docs)/[\w/.-]+)`", path.read_text())
    for name in named:
        if "<" not in name:
            assert (ROOT / name).exists(), name


def test_every_module_has_its_place_in_the_architecture() -> None:
    architecture = read("docs/architecture.md")
    for path in sorted((ROOT / "search").iterdir()):
        if path.name.startswith("_") or path.name in {"migrations", "static"}:
            continue
        name = f"`search/{path.name}" + ("/" if path.is_dir() else "`")
        assert name in architecture, f"{path.name} is missing from the table in docs/architecture.md"
    for package in ("indexing", "ingestion"):
        for path in sorted((ROOT / "search" / package).glob("*.py")):
            assert path.name in architecture or path.name == "__init__.py", path.name


def test_every_setting_is_documented_and_no_other() -> None:
    table = read("docs/settings.md").split("## A collection's options")[0]
    documented = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert documented == [field.name for field in fields(Conf)]


def test_documented_defaults_are_the_defaults() -> None:
    for name, default in re.findall(r"^\| `([A-Z_]+)` \| (\d[\d.]*) \|", read("docs/settings.md"), re.MULTILINE):
        assert float(default) == float(getattr(Conf(), name)), name


def test_every_command_is_in_the_readme() -> None:
    ours = {name for name, app in get_commands().items() if app == "search"}
    assert set(re.findall(r"^\| `manage\.py (\w+)", read("README.md"), re.MULTILINE)) == ours


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for path in DOCUMENTS:
        named = re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), re.MULTILINE)
        assert set(named) <= targets, path.name


def test_addresses_that_are_named_exist() -> None:
    for path in DOCUMENTS:
        for address in re.findall(r"`(?:GET |POST |PUT )?(/(?:api|health)/[\w/-]*\w/?)`", path.read_text()):
            if address != "/api/v1/":  # the beginning that all addresses of the API share
                assert resolve(address).func.__name__ != "no_such_address", (path.name, address)


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_modules_over_four_hundred_lines_need_a_reason() -> None:
    long = [
        path
        for folder in ("search", "semsearch_project")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and len(path.read_text().splitlines()) > 400
    ]
    assert long == []


def test_every_module_says_why_it_exists() -> None:
    for folder in ("search", "semsearch_project"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text().strip()
            if text and "migrations" not in path.parts:
                assert text.startswith(('"""', "#!")), path
