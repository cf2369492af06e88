"""Says when a mirrored folder has changed, so that another round is worth while. Imports nothing and survives errors.

The system tells of changes at once where it can. Where it cannot (a network file system, too many folders) or forgets
some, a look at names and times every minute finds them; nothing is said of what belongs to no document.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

from search.ingestion.folders.folder_scan import is_wanted, scan

logger = logging.getLogger(__name__)

_QUIET_MS = 500  # how long nothing must happen for a burst of changes to be over
_LONGEST_BURST_MS = 10_000


def bursts(root: Path, *, stop: threading.Event, look_seconds: float = 60.0) -> Iterator[None]:
    """Yield at once, then after each burst of changes below `root`, until `stop` is set. Never raises OSError.

    What changes while the caller is busy with a burst is another one. A missing folder is waited for.
    """
    root = root.resolve()
    changed = threading.Event()
    listener = threading.Thread(target=_listen, args=(root, changed, stop, look_seconds), daemon=True)
    listener.start()
    last = ""
    while not stop.is_set():
        changed.clear()
        now = _look(root)
        if now not in ("", last):
            last = now
            yield
        changed.wait(look_seconds)
    listener.join()


def _listen(root: Path, changed: threading.Event, stop: threading.Event, look_seconds: float) -> None:
    """Set `changed` whenever the system tells of a change; start again where that fails."""

    def is_ours(_: Change, path: str) -> bool:
        return Path(path).is_relative_to(root) and all(map(is_wanted, Path(path).relative_to(root).parts))

    said = ""  # once, and not each second until it is over
    while not stop.is_set():
        try:
            for _ in watch(
                root, watch_filter=is_ours, stop_event=stop, step=_QUIET_MS, debounce=_LONGEST_BURST_MS,
                rust_timeout=int(look_seconds * 1000), yield_on_timeout=True, raise_interrupt=False,
            ):  # fmt: skip
                said = ""
                changed.set()
                if not root.is_dir():
                    break  # a new folder of that name has to be watched anew
        except Exception as error:
            if said != str(error):
                logger.warning("%s cannot be watched (%s); it is looked at every %g s.", root, error, look_seconds)
            said = str(error)
        stop.wait(min(look_seconds, 1.0))
    changed.set()


def _look(root: Path) -> str:
    """Return a fingerprint of all names, sizes and times; empty while the folder cannot be seen."""
    if not root.is_dir():
        logger.warning("The folder %s is not there; waiting for it.", root)
        return ""
    seen = scan(root)
    digest = hashlib.sha256()
    for path, file in seen.files.items():
        digest.update(f"{path}\0{file.stamp}\0".encode())
    digest.update(repr((sorted(seen.unlisted), sorted(seen.unusable))).encode())
    return digest.hexdigest()
