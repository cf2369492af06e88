"""docs/api.md: every example runs, and every address and limit that it names is real."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import resolve

from search import health
from search.api import bulk, bulk_keys, bulk_results, problems
from search.conf import conf
from search.indexing.status import Stage
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, CurationRule, EvaluationQuerySet, EvaluationRun, SynonymSet
from tests.conftest import MakeDocument
from tests.index_versions import newest, rebuilt
from tests.ingestion.imports import draft, finished, lines

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


@dataclass
class Asked:
    """What one curl command asks for."""

    user: str = ""
    method: str = ""
    path: str = ""
    body: str = ""
    by_get: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    form: dict[str, list[Any]] = field(default_factory=dict)


def asked(command: list[str]) -> Asked:
    """Return what a curl command asks for, by the options that the page uses."""
    result = Asked()
    words = iter(command[1:])
    for word in words:
        match word:
            case "-u":
                result.user = next(words)
            case "-X":
                result.method = next(words)
            case "-H":
                name, _colon, value = next(words).partition(": ")
                result.headers[name] = value
            case "-G":
                result.by_get = True
            case "-d" | "--data-urlencode":
                key, _equals, value = next(words).partition("=")
                result.parameters.append((key, value))
            case "-F":
                key, _equals, value = next(words).partition("=")
                result.form.setdefault(key, []).append(sample_file(value[1:]) if value.startswith("@") else value)
            case "--json":
                result.headers["Content-Type"], result.body = "application/json", next(words)
            case "--data-binary":
                result.body = next(words)
            case _:
                assert not word.startswith("-"), f"curl's {word} is not known to this test"
                result.path = word
    return result


def run(client: Client, command: list[str]) -> Any:
    """Do what curl would do, as the user that it names."""
    it = asked(command)
    client.logout()
    if it.user:
        name, _colon, password = it.user.partition(":")
        assert client.login(username=name, password=password)
    assert bool(it.parameters) == it.by_get
    if it.form:
        return client.post(it.path, it.form, format="multipart", headers=it.headers)
    address = f"{it.path}?{urlencode(it.parameters)}" if it.parameters else it.path
    content_type = it.headers.pop("Content-Type", "application/octet-stream")
    method = it.method or ("POST" if it.body else "GET")
    return client.generic(method, address, it.body, content_type=content_type, headers=it.headers)


def sample_file(name: str) -> SimpleUploadedFile:
    """Return a file of this name that can be imported."""
    content = b"Nr,Question,Answer\n1,How?,So.\n" if name.endswith(".csv") else b"Ask three weeks ahead."
    return SimpleUploadedFile(name, content)


def imports(collection: Collection) -> dict[str, str]:
    """Make the imports that the page speaks of; return the variables that stand for them."""
    bad = [{"id": str(number), "title": "Fax", "url": "javascript:fax()"} for number in range(3)]
    over = finished(draft(collection, {"rows.jsonl": lines(*bad)}))
    failure, other, _third = over.failures.values_list("pk", flat=True)
    waiting = draft(collection, {"rows.jsonl": lines({"id": "1", "title": "Fax"})})
    return {"$IMPORT": str(over.pk), "$DRAFT": str(waiting.pk), "$FAILURE": str(failure), "$OTHER": str(other)}


def evaluation(collection: Collection) -> dict[str, str]:
    """Make the query set and the runs that the page speaks of; return the variables that stand for them."""
    query_set = EvaluationQuerySet.objects.create(collection=collection, name="Pages")
    judgments.store(query_set, [JudgedQuery("q", "words", {"a": 1})])
    runs = [EvaluationRun.objects.create(query_set=query_set, state="finished") for _ in range(2)]
    query = query_set.queries.get()
    return {"$SET": str(query_set.pk), "$QUERY": str(query.pk), "$RUN": str(runs[0].pk), "$NEWER": str(runs[1].pk)}


def curation(collection: Collection) -> dict[str, str]:
    """Make the rule and the group that the page speaks of; return the variables that stand for them."""
    rule = CurationRule.objects.create(collection=collection, queries="fax", external_id="fax")
    group = SynonymSet.objects.create(collection=collection, words="fax, telefax")
    return {"$RULE": str(rule.pk), "$GROUP": str(group.pk)}


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
    versions = {"$RETIRED": str(retired.pk), "$CANDIDATE": str(candidate.pk)}
    things = {**imports(collection), **evaluation(collection), **curation(collection)}
    examples = commands({**VARIABLES, **versions, **things})

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
        "insufficient-storage",
        "unavailable",
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
    assert f"of more than {bulk_results.MOST_SHOWN:,} lines only the first {bulk_results.MOST_ERRORS_SHOWN:,}" in PAGE
    assert f"1 to {bulk_keys.MAX_KEY_CHARS} visible ASCII" in PAGE
    assert f"at most {settings.DATA_UPLOAD_MAX_NUMBER_FILES} in a request" in PAGE
    assert f"keeps imports ({conf().IMPORT_KEEP_DAYS} days)" in PAGE
