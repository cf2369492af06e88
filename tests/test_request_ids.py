"""Request ids: taken over where they are harmless, in every answer, and carried to the worker and back."""

import json
from typing import Any

import pytest
from celery import current_app
from django.test import Client

from search import tasks
from semsearch_project import logs, task_context


@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "with space 123", "new\nline-12345", "<script>12345", "é" * 10]
)
@pytest.mark.django_db
def test_what_is_no_id_is_replaced(client: Client, sent: str) -> None:
    given = client.get("/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert given != sent
    assert len(given) == 32


@pytest.mark.django_db
def test_every_error_names_the_request(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    sent = {"X-Request-ID": "a-request-of-mine"}
    for path in ("/api/nothing/", "/api/v1/search/?q="):
        answer = client.get(path, headers=sent)
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == "a-request-of-mine"
    assert "a-request-of-mine" in client.get("/nothing/here/", headers=sent).content.decode()

    def broken(*arguments: Any, **options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("search.web.views.search_page", broken, raising=False)
    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", broken)
    answer = client.get("/", headers=sent)
    assert answer.status_code == 500
    assert "a-request-of-mine" in answer.content.decode()
    assert answer.headers["X-Request-ID"] == "a-request-of-mine"


def test_a_message_carries_the_id_and_the_task_has_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with current_app.connection_for_write() as broker, broker.SimpleQueue("celery") as queue:
        queue.clear()  # what other tests of this process left there
    with logs.known(request_id="a-request-of-mine"):
        tasks.sweep.apply_async()
    with current_app.connection_for_read() as broker, broker.SimpleQueue("celery") as queue:
        headers = json.loads(json.dumps(queue.get(timeout=5).headers))
    seen: list[Any] = []
    monkeypatch.setattr(tasks.sweep, "run", lambda: seen.append(dict(logs.context())))
    tasks.sweep.apply(task_id="1")
    assert "request_id" not in seen[0]
    tasks.sweep.push_request(**{task_context._KEY: headers[task_context._KEY]})
    try:
        task_context._begin(task_id="2", task=tasks.sweep)
        seen.append(dict(logs.context()))
        task_context._end(task_id="2", task=tasks.sweep, state="SUCCESS")
    finally:
        tasks.sweep.pop_request()
    assert seen[1] == {"request_id": "a-request-of-mine", "task": "search.sweep", "task_id": "2"}
    assert logs.context() == {}
