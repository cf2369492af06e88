"""How often somebody has asked in the present minute, counted over all web processes of the host. Refuses nobody.

A file of counters that every process maps: who asks is hashed to three of them, and the least of the three counts, so
that others who share one of them add nothing. Two processes that count in the same moment may lose one; a limit is not
worth a lock. The file is emptied by time, and may be deleted while nothing runs.
"""

import hashlib
import mmap
import struct
import threading
from pathlib import Path

WINDOW_SECONDS = 60
_COUNTERS = 1 << 16
_COUNTER = struct.Struct("<II")  # the window, and the count in it
_HASHES = 3


class RequestCounts:
    """The counters in one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        size = _COUNTERS * _COUNTER.size
        with path.open("a+b") as file:
            if file.seek(0, 2) < size:
                file.truncate(size)
            self._counters = mmap.mmap(file.fileno(), size)
        self._lock = threading.Lock()

    def add(self, who: str, now: float, *, times: int = 1) -> int:
        """Count a request of `who` and return how many there have been in this window; `times=0` only looks."""
        window = int(now) // WINDOW_SECONDS
        digest = hashlib.blake2b(who.encode(), digest_size=4 * _HASHES).digest()
        counts = []
        with self._lock:
            for number in struct.unpack(f"<{_HASHES}I", digest):
                at = number % _COUNTERS * _COUNTER.size
                of, count = _COUNTER.unpack_from(self._counters, at)
                count = times + (count if of == window & 0xFFFFFFFF else 0)
                if times:
                    _COUNTER.pack_into(self._counters, at, window & 0xFFFFFFFF, min(count, 0xFFFFFFFF))
                counts.append(count)
        return min(counts)


def seconds_left(now: float) -> int:
    """Return how long the present window still is, at least a second."""
    return max(1, WINDOW_SECONDS - int(now) % WINDOW_SECONDS)
