"""Who a process is, so that a lease of one that was killed can be taken over at once."""

import os
import socket
import uuid

import psutil


def new_holder() -> str:
    """Return a name for one holder of a lease in this process; no two are alike."""
    return f"{_identity(os.getpid())}:{uuid.uuid4().hex[:8]}"


def may_live(holder: str) -> bool:
    """Tell whether the process of a holder may still be running; one of another host always may."""
    host, pid, started, _ = holder.rsplit(":", 3)
    if host != socket.gethostname():
        return True
    try:
        return _identity(int(pid)) == f"{host}:{pid}:{started}"
    except psutil.NoSuchProcess:
        return False


def _identity(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{psutil.Process(pid).create_time():.2f}"
