"""How gunicorn serves Semsearch: few processes with threads, each with an encoder and index of its own.

Nothing is loaded before the fork (no preload): torch and FAISS hang in a child whose parent used them.
Each process warms up in a thread, so that it answers at once and lexically until its encoder is there.
"""

import os
import threading
from typing import Any

# One OpenMP thread for each request: requests run side by side in threads, and each would make a pool.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

wsgi_app = "semsearch_project.wsgi:application"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
preload_app = False
timeout = 120  # loading an encoder on a busy machine is not a hang
graceful_timeout = 10
limit_request_line = 8190  # a long query by GET; longer ones are POSTed
control_socket_disable = True  # nothing here manages workers at run time


def post_worker_init(worker: Any) -> None:
    """Load the encoder and open the active versions beside the first requests."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    from search.retrieval.warm_up import warm_up

    warm_up()
