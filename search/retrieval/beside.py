"""Runs work of this process beside its queries, each job by its name at most once at a time.

For what would keep somebody's query waiting and can be done a moment later. Nothing here is remembered: a job
that is lost with its process is begun again by the query that next needs it.
"""

import logging
import threading
from collections.abc import Callable

from django.db import connection

logger = logging.getLogger(__name__)

_running: set[str] = set()
_guard = threading.Lock()


def start(name: str, job: Callable[[], None]) -> None:
    """Run `job` in a thread, unless one of that name is running."""
    with _guard:
        if name in _running:
            return
        _running.add(name)
    threading.Thread(target=_run, args=(name, job), name=name, daemon=True).start()


def _run(name: str, job: Callable[[], None]) -> None:
    try:
        job()
    except Exception:
        logger.exception("%s stopped; the next query that needs it begins again", name)
    finally:
        with _guard:
            _running.discard(name)
        connection.close()
