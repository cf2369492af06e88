"""Carries a request's id with the messages that it sends to the worker, and gives the worker's lines their fields.

Counts tasks for the metrics as well. Knows no task by name.
"""

import logging.config
import time
from typing import Any

from celery import signals
from django.conf import settings

from search import metrics
from semsearch_project import logs
from semsearch_project.request_ids import taken_over

_KEY = "semsearch_request_id"
_running: dict[str, tuple[Any, float]] = {}


def connect() -> None:
    """Connect the receivers; called once, when the Celery application is made."""
    signals.setup_logging.connect(_configure, weak=False)
    signals.before_task_publish.connect(_send, weak=False)
    signals.task_prerun.connect(_begin, weak=False)
    signals.task_postrun.connect(_end, weak=False)


def _configure(**kwargs: Any) -> None:
    """Write the worker's log as the web processes write theirs, not as Celery would."""
    logging.config.dictConfig(settings.LOGGING)


def _send(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    request_id = logs.context().get("request_id")
    if headers is not None and request_id:
        headers[_KEY] = request_id


def _begin(task_id: str, task: Any, **kwargs: Any) -> None:
    sent = taken_over(str(getattr(task.request, _KEY, None) or ""))
    scope = logs.known(task=task.name, task_id=task_id, **({"request_id": sent} if sent else {}))
    scope.__enter__()
    _running[task_id] = (scope, time.perf_counter())


def _end(task_id: str, task: Any, state: str | None = None, **kwargs: Any) -> None:
    scope, begun = _running.pop(task_id, (None, 0.0))
    if scope is not None:
        ended = "success" if state == "SUCCESS" else "failure"
        metrics.observe("task_seconds", time.perf_counter() - begun, task=task.name, state=ended)
        scope.__exit__(None, None, None)
