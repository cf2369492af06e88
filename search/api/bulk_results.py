"""What became of the lines of one request, kept on disk until it is sent: memory does not grow with their number.

Results are sent when all lines have been read: a client that still sends, and reads nothing, would wait for a server
that waits for the client.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import IO, Any

from .bulk import LineResult, Status

MOST_SHOWN = 10_000
"""Up to so many lines a JSON answer has the result of each."""

MOST_ERRORS_SHOWN = 1_000
"""Of more lines it has so many of those that failed."""

SUMMARY = {"created": Status.CREATED, "updated": Status.UPDATED, "unchanged": Status.UNCHANGED, "failed": Status.ERROR}


class Results:
    """Results in a file, a line of JSON for each; the file's last line is the summary."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.counts: Counter[str] = Counter()

    def add(self, results: Iterable[LineResult]) -> dict[str, int]:
        """Write results down; return how many there are of each kind."""
        counts: Counter[str] = Counter()
        for result in results:
            counts[result.status] += 1
            self._put({**asdict(result), "status": result.status.value})
        self.counts += counts
        return {name: counts[status] for name, status in SUMMARY.items()}

    def close(self) -> None:
        """Write the summary and go back to the beginning."""
        self._put(self.summary)
        self.file.seek(0)

    @property
    def summary(self) -> dict[str, int]:
        """How many lines there are of each kind."""
        return {name: self.counts[status] for name, status in SUMMARY.items()}

    def _put(self, value: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")


def json_answer(file: IO[bytes], summary: Mapping[str, int]) -> dict[str, Any]:
    """Return the results in a file as one JSON answer: every line's, or of too many the first errors."""
    total = sum(summary.values())
    shown = list(_results(file, total) if total <= MOST_SHOWN else _first_errors(file, total))
    return {**summary, "left_out": total - len(shown), "results": shown}


def _results(file: IO[bytes], total: int) -> Iterator[dict[str, Any]]:
    for _number, line in zip(range(total), file, strict=False):  # the line after them is the summary
        yield json.loads(line)


def _first_errors(file: IO[bytes], total: int) -> Iterator[dict[str, Any]]:
    found = 0
    for result in _results(file, total):
        if result["status"] == Status.ERROR:
            yield result
            found += 1
        if found == MOST_ERRORS_SHOWN:
            return
