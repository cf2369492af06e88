"""The Celery application. Besides delivering wake-ups, every worker sweeps on its own clock.

The sweep is a timer inside the worker instead of a beat process: there is nothing else to start, to stop
or to leave behind, and a worker that runs is a worker that sweeps.
"""

import os
import warnings
from typing import Any

from celery import Celery, bootsteps
from kombu.transport import TRANSPORT_ALIASES

from semsearch_project import task_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.dev")

TRANSPORT_ALIASES["filesystem"] = "semsearch_project.folder_broker:Transport"

# Celery warns of a worker that runs as root because a message could run code. Here none can: messages are JSON with
# ids in it, and pickle is not accepted.
warnings.filterwarnings("ignore", message=r"(?s).*superuser privileges", category=UserWarning)

app = Celery("semsearch")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["search"])
task_context.connect()


class Sweeper(bootsteps.StartStopStep):
    """Enqueues the sweep when the worker is ready to consume, and every SWEEP_SECONDS after that."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.timer_entry: Any = None

    def start(self, parent: Any) -> None:
        from search.conf import conf
        from search.tasks import sweep

        def enqueue() -> None:
            sweep.apply_async(expires=conf().SWEEP_SECONDS * 2)

        enqueue()
        self.timer_entry = parent.timer.call_repeatedly(conf().SWEEP_SECONDS, enqueue)

    def stop(self, parent: Any) -> None:
        if self.timer_entry is not None:
            self.timer_entry.cancel()
            self.timer_entry = None


app.steps["consumer"].add(Sweeper)
