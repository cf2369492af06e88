"""docs/requests.http: every operation, played in its order; and the examples in the schema that are made from it."""

import json
import os
import re
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User

from search import tasks
from search.access import tokens
from search.access.scopes import Scope
from search.api import examples
from search.models import Collection

from .conftest import load_versions
from .requests_file import Asked, Play
from .test_schema import check, operations, schema

__all__ = ["schema"]
RECORDS = "SEMSEARCH_TEST_RECORD" in os.environ
_MOST_ITEMS = 2
_MOST_CHARS = 300


@pytest.fixture
def play(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Play:
    """An empty installation with an administrator's token; its worker has nothing left to do before each request."""
    encoder = {"ENCODER_RUNTIME": "torch"} if RECORDS else {}
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True, **encoder}
    monkeypatch.setitem(current_app.conf, "task_always_eager", True)
    owner = User.objects.create_superuser("root", password="a-long-password")

    def work() -> None:
        tasks.sweep.apply()
        load_versions()

    return Play(tokens.issue(owner, "requests", list(Scope)).text, work)


def operation_of(asked: Asked, schema: dict[str, Any]) -> str:
    """Return which operation of the schema a request asks for, as `GET /api/v1/documents/{id}/`."""
    fitting = [
        path
        for path, method, _operation in operations(schema)
        if method == asked.method.lower() and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked.path)
    ]
    assert fitting, f"{asked.method} {asked.path} is not in the schema"
    return f"{asked.method} {min(fitting, key=lambda path: path.count('{'))}"


def test_every_operation_is_played_and_answers_as_its_example_says(schema: dict[str, Any], play: Play) -> None:
    found: dict[str, dict[str, Any]] = {}
    for asked, answer in play.go():
        body = b"".join(answer) if answer.streaming else answer.content
        assert 200 <= answer.status_code < 300, f"{asked.title}: {answer.status_code} {body!r}"
        operation = operation_of(asked, schema)
        if answer.get("Content-Type") == "application/json" and body:
            check(schema, operation.partition(" ")[2], asked.method.lower(), answer)
        found.setdefault(operation, recorded(asked, operation.partition(" ")[2], answer, body))
    assert not Collection.objects.filter(slug="staff-handbook").exists()
    if RECORDS:
        examples.FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        return

    assert found.keys() == {f"{method.upper()} {path}" for path, method, _operation in operations(schema)}
    kept = examples.recorded()
    assert kept.keys() == found.keys(), "make examples"
    for operation, example in found.items():
        assert shape(kept[operation]) == shape(example), f"{operation} answers otherwise now: make examples"


def recorded(asked: Asked, path: str, answer: Any, body: bytes) -> dict[str, Any]:
    """Return what the schema shows of a request and its answer."""
    names = re.findall(r"\{(\w+)\}", path)
    values = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", path), asked.path)
    assert values is not None
    return {
        "title": asked.title,
        "parameters": {**dict(zip(names, values.groups(), strict=True)), **asked.parameters},
        "request": written(asked.headers.get("Content-Type", "").partition(";")[0], asked.body.encode(), whole=True),
        "status": str(answer.status_code),
        "response": written(answer.get("Content-Type", ""), body),
    }


def written(content_type: str, body: bytes, *, whole: bool = False) -> dict[str, Any]:
    """Return a body as an example shows it: short, and none where it is a file or empty."""
    if content_type == "application/json" and body:
        return {"content_type": content_type, "value": json.loads(body) if whole else shortened(json.loads(body))}
    if content_type in ("application/x-ndjson", "text/csv") and body:
        return {"content_type": content_type, "value": "".join(body.decode().splitlines(keepends=True)[:_MOST_ITEMS])}
    return {}


def shortened(value: Any) -> Any:
    """Return a value with the first items of its lists and the beginnings of its texts."""
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value[:_MOST_ITEMS]]
    if isinstance(value, str) and len(value) > _MOST_CHARS:
        return value[:_MOST_CHARS] + "…"
    return value


def shape(value: Any) -> Any:
    """Return what stays the same from run to run: the names in objects, and the kinds of what they hold."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return "list" if isinstance(value, list) else ""
