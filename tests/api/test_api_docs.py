"""docs/api.md: every example runs, and every address and limit that it names is real."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.urls import resolve

from search import health
from search.api import bulk, problems
from search.indexing.status import Stage
from search.models import Collection
from tests.conftest import MakeDocument
from tests.index_versions import newest, rebuilt

from .conftest import CURATOR, Client, MakeUser, load_versions

PAGE = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
VARIABLES = {"$BASE": "", "$AUTH": "connector:a-long-password"}


def commands(variables: dict[str, str]) -> list[list[str]]:
    """Return the words of each curl command on the page."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
    for name, value in variables.items():
        text = text.replace(f'"{name}"', f'"{value}"').replace(name, value)
    words = shlex.split(text.replace("\ncurl ", " ; curl "), comments=True)
    found: list[list[str]] = []
    for word in words:
        if word == ";":
            found.append([])
        elif found:
            found[-1].append(word)
    return [command for command in found if command]


def run(client: Client, command: list[str]) -> Any:
    """Do what curl would do, as the user that it names."""
    words = iter(command[1:])
    method, path, content_type, body, by_get = "", "", "application/octet-stream", "", False
    parameters: list[tuple[str, str]] = []
    client.logout()
    for word in words:
        if word == "-u":
            name, _colon, password = next(words).partition(":")
            assert client.login(username=name, password=password)
        elif word == "-X":
            method = next(words)
        elif word == "-H":
            content_type = next(words).removeprefix("Content-Type: ")
        elif word == "-G":
            by_get = True
        elif word in ("-d", "--data-urlencode"):
            key, _equals, value = next(words).partition("=")
            parameters.append((key, value))
        elif word == "--json":
            content_type, body = "application/json", next(words)
        elif word == "--data-binary":
            body = next(words)
        else:
            assert not word.startswith("-"), f"curl's {word} is not known to this test"
            path = word
    assert bool(parameters) == by_get
    address = f"{path}?{urlencode(parameters)}" if parameters else path
    return client.generic(method or ("POST" if body else "GET"), address, body, content_type=content_type)


def test_every_example_runs(
    make_user: MakeUser, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    Collection.objects.filter(pk=collection.pk).update(slug="handbook")
    make_user("connector", *CURATOR)
    indexed()
    retired = newest(collection)
    rebuilt(collection)
    candidate = rebuilt(collection, live=False)
    examples = commands({**VARIABLES, "$RETIRED": str(retired.pk), "$CANDIDATE": str(candidate.pk)})

    assert len(examples) == PAGE.count("\ncurl ")
    for command in examples:
        if command[-1].endswith("/activate/"):
            Collection.objects.filter(pk=collection.pk).update(rebuild_requested_at=None)  # it would supersede this one
            indexed()
        load_versions()
        answer = run(Client(), command)
        assert answer.status_code in (200, 201, 202, 204), (command, answer.content)


def test_every_address_exists() -> None:
    named = set(re.findall(r"`(/(?:api|health)/[^`\s]*)`", PAGE)) - {"/api/v1/"}

    assert named
    for address in named:
        assert resolve(address).func is not problems.no_such_address, address


@pytest.mark.parametrize(
    "kind",
    [
        "invalid",
        "parse-error",
        "not-ready",
        "database-unavailable",
        "internal-error",
        "conflict",
        "unknown-collection",
        "content-too-large",
        "length-required",
    ],
)
def test_every_kind_of_problem_is_listed(kind: str) -> None:
    assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_is_explained(stage: Stage) -> None:
    assert f"`{stage.value}`" in PAGE


@pytest.mark.parametrize("check", list(health.CHECKS))
def test_every_check_is_named(check: str) -> None:
    assert f"`{check}`" in PAGE


def test_the_limits_are_the_real_ones() -> None:
    megabytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2

    assert f"{bulk.MAX_LINES:,} documents and {megabytes} MiB" in PAGE
    assert f"{bulk.LINES_PER_TRANSACTION} lines are written in a\ntransaction" in PAGE
