"""Log lines: one each, with what is known, and without what people search for or write."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from search import tasks
from search.embedding.base import EncoderUnavailable
from search.models import Collection, Document, IndexVersion
from semsearch_project import logs

SECRET = "xylophonequux"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the installation's handler writes as JSON, of every logger and level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def record(message: str, *arguments: Any, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("a.logger", logging.INFO, __file__, 1, message, arguments, info)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception:
        caught = sys.exc_info()[1]
        assert isinstance(caught, Exception)
        return caught


@pytest.mark.parametrize("formatter", [logs.Lines(), logs.JsonLines()])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028", "\x1b[2J"])
def test_no_text_can_begin_a_line_of_its_own(formatter: logs.Lines, end: str) -> None:
    with logs.known(collection=f"a{end}b"):
        line = formatter.format(record("%s", f"given{end}2026 ERROR forged"))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_an_exception_that_is_not_ours_is_named_without_its_words() -> None:
    line = logs.JsonLines().format(record("It failed: %s", KeyError(SECRET), error=raised(ValueError(SECRET))))
    assert SECRET not in line
    assert json.loads(line)["message"] == "It failed: KeyError"
    assert json.loads(line)["exception"][-1] == "ValueError"
    assert "raised" in json.loads(line)["exception"][0]


def test_our_own_exceptions_keep_their_words() -> None:
    assert "No such runtime" in logs.Lines().format(record("%s", EncoderUnavailable("No such runtime")))


def test_with_texts_an_exception_is_written_in_full() -> None:
    assert SECRET in logs.Lines(texts=True).format(record("It failed", error=raised(ValueError(SECRET))))


def test_what_the_worker_tells_of_a_failed_task_has_no_texts() -> None:
    told = {"name": "search.sweep", "id": "1", "exc": SECRET, "traceback": SECRET, "args": SECRET, "kwargs": SECRET}
    line = logs.JsonLines().format(record("Task %(name)s[%(id)s] raised: %(exc)s %(traceback)s", told))
    assert SECRET not in line
    assert "search.sweep" in line


def test_an_address_loses_its_query_string() -> None:
    assert SECRET not in logs.Lines().format(record("Error handling request %s", f"/?q={SECRET}"))


def test_a_line_that_does_not_fit_its_arguments_does_not_fail() -> None:
    assert "does not fit" in logs.Lines().format(record("%d", "no number"))


@pytest.mark.django_db
def test_what_is_searched_for_and_written_is_in_no_line(
    live: IndexVersion, client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    Document.objects.create(collection=live.collection, title=SECRET, body=SECRET * 3)
    tasks.index_pending.apply(kwargs={"collection_id": live.collection_id})
    assert client.get("/", {"q": SECRET}).status_code == 200
    assert client.get("/api/v1/search/", {"q": SECRET}).status_code == 200
    assert client.post("/api/v1/search/", {"q": SECRET}, content_type="application/json").status_code == 200
    assert client.get("/api/v1/search/", {"q": SECRET, "filter": f"{SECRET}:1"}).status_code == 400
    assert client.get("/api/v1/search/", {"q": SECRET, SECRET: "1"}).status_code == 400

    def broken(*arguments: Any, **options: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("search.retrieval.pipeline.run", broken)
    assert client.get("/api/v1/search/", {"q": SECRET}).status_code == 500
    assert client.get("/", {"q": SECRET}).status_code == 500
    monkeypatch.setattr("search.indexing.batches.chunk", broken)
    Document.objects.create(collection=live.collection, title=SECRET, body=SECRET)
    tasks.index_pending.apply(kwargs={"collection_id": live.collection_id})
    assert SECRET not in written.getvalue()
    assert {line["message"] for line in lines(written)} >= {"answered", "searched"}


@pytest.mark.django_db
def test_a_request_and_its_search_are_told_with_their_id_and_counts(
    live: IndexVersion, client: Client, written: io.StringIO
) -> None:
    answer = client.get("/api/v1/search/", {"q": "words"}, headers={"X-Request-ID": "from-a-proxy-1"})
    told = {line["message"]: line for line in lines(written)}
    assert answer.headers["X-Request-ID"] == "from-a-proxy-1"
    assert {told[name]["request_id"] for name in ("answered", "searched")} == {"from-a-proxy-1"}
    assert told["answered"]["route"] == "api/v1/search/"
    assert told["answered"]["status"] == 200
    assert (told["searched"]["collection"], told["searched"]["total"]) == ("docs", 1)
    assert "query" not in told["searched"]


@pytest.mark.django_db
def test_a_query_is_logged_where_texts_are_wanted(
    live: IndexVersion, client: Client, written: io.StringIO, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_TEXTS": True}
    client.get("/api/v1/search/", {"q": SECRET})
    assert SECRET in written.getvalue()


@pytest.mark.django_db
def test_a_request_of_somebody_names_the_user_by_id(
    collection: Collection, admin_client: Client, admin_user: Any, written: io.StringIO
) -> None:
    admin_client.get("/admin/search/collection/")
    (told,) = [line for line in lines(written) if line["message"] == "answered"]
    assert told["user"] == admin_user.pk
    assert "username" not in told


def test_a_sweep_that_comes_and_goes_well_is_not_worth_a_line() -> None:
    def about(level: int, name: str) -> logging.LogRecord:
        return logging.LogRecord("celery", level, "", 1, "Task %(name)s", ({"name": name},), None)

    assert not logs.is_no_sweep(about(logging.INFO, "search.sweep"))
    assert logs.is_no_sweep(about(logging.ERROR, "search.sweep"))
    assert logs.is_no_sweep(about(logging.INFO, "search.index_pending"))
    assert logs.is_no_sweep(record("search.sweep"))
