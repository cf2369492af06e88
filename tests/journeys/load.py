"""People who search without a pause: threads that ask the web servers in turn and keep every answer."""

import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """One answer: its status (0 when there was none), how long it took, when it was asked for, and what it said."""

    status: int
    milliseconds: float
    asked_at: float
    body: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def fits(self) -> bool:
        """True when the search was answered in full."""
        return self.status == 200 and not self.body["degraded"]


class Load:
    """Searches from `threads` threads at every origin in turn, from entering the block until leaving it."""

    def __init__(self, origins: Sequence[str], slug: str, queries: Sequence[str], *, threads: int = 4) -> None:
        self.origins = [origin.removeprefix("http://") for origin in origins]
        self.slug = slug
        self.queries = queries
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._search, args=(number,)) for number in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _search(self, number: int) -> None:
        links = [http.client.HTTPConnection(origin, timeout=TIMEOUT_SECONDS) for origin in self.origins]
        turn = number
        while not self._stop.is_set():
            query = self.queries[turn % len(self.queries)]
            self.answers.append(self._ask(links[turn % len(links)], query))
            turn += 1
        for link in links:
            link.close()

    def _ask(self, link: http.client.HTTPConnection, query: str) -> Answer:
        address = "/api/v1/search/?" + urllib.parse.urlencode({"q": query, "collection": self.slug})
        asked_at = time.monotonic()
        try:
            link.request("GET", address)
            response = link.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            link.close()
            return Answer(0, 0.0, asked_at, problem=repr(error))
        milliseconds = (time.monotonic() - asked_at) * 1_000
        if response.status != 200:
            return Answer(response.status, milliseconds, asked_at, problem=text.decode(errors="replace"))
        return Answer(200, milliseconds, asked_at, json.loads(text))


def p99(answers: Sequence[Answer]) -> float:
    """Return the 99th percentile of the answers' milliseconds."""
    times = sorted(answer.milliseconds for answer in answers)
    return times[min(len(times) - 1, int(len(times) * 0.99))]
