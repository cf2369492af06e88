"""Named places at which a test may kill the process or make an operation fail.

Without the variable SEMSEARCH_TEST_FAILPOINT every call returns at once. Its form is `name=action`, several
separated by commas; actions: `kill` (SIGKILL, as a power cut would), `error` (RuntimeError), `eio` and
`enospc` (OSError), `hang` (stopped until SIGCONT, as a frozen machine is). A name that is not listed here is
a mistake and says so.
"""

import errno
import logging
import os
import signal

logger = logging.getLogger(__name__)
VARIABLE = "SEMSEARCH_TEST_FAILPOINT"

NAMES = (
    "version.created",
    "fill.committed",
    "apply.claimed",
    "apply.chunked",
    "apply.encoded",
    "apply.before_commit",
    "apply.committed",
    "lexical.written",
    "lexical.published",
    "lexical.committed",
    "apply.done",
    "build.trained",
    "build.checkpoint",
    "build.checkpointed",
    "build.tuned",
    "seal.before_write",
    "seal.written",
    "seal.before_commit",
    "seal.committed",
    "measure.step",
    "measure.kept",
    "ready.committed",
    "gate.judged",
    "publish.before_commit",
    "publish.committed",
    "rollback.before_commit",
    "rollback.committed",
    "prune.committed",
    "prune.deleted",
)


def failpoint(name: str) -> None:
    """Do what the environment asks for at this place; nothing, unless a test asks."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    if name not in NAMES:
        raise ValueError(f"{name} is not a failpoint; list it in failpoints.NAMES.")
    action = dict(item.split("=", 1) for item in wanted.split(",")).get(name)
    if action is not None:
        _act(name, action)


def _act(name: str, action: str) -> None:
    logger.warning("failpoint %s: %s", name, action)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "error":
        raise RuntimeError(f"failpoint {name}")
    elif action in ("eio", "enospc"):
        code = getattr(errno, action.upper())
        raise OSError(code, os.strerror(code), name)
    elif action == "hang":
        del os.environ[VARIABLE]  # once: whoever wakes up goes on
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise ValueError(f"{VARIABLE}: {action!r} is not kill, error, eio, enospc or hang.")
