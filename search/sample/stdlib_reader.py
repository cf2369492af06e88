"""The standard library's documentation, read from the docstrings of the interpreter that runs.

Importing a whole standard library is nothing to do in a web process: `read_entries` starts an interpreter of
its own, without site packages, whose output is thrown away; a module that cannot be imported there is left
out. Nothing of this touches the network, and nothing here knows Django.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from search.sample.docstrings import Entry, read_modules
from search.sample.stdlib_modules import module_names

_ROOT = Path(__file__).resolve().parent.parent.parent
_TIMEOUT_SECONDS = 120


class SampleUnreadable(Exception):
    """The interpreter that reads the documentation did not come to its end."""


def read_entries(limit: int | None = None) -> list[Entry]:
    """Return the documentation of the standard library, best known modules first, at most `limit` entries.

    The same interpreter gives the same entries in the same order. Raises SampleUnreadable.
    """
    command = [sys.executable, "-E", "-s", "-S", "-m", "search.sample.stdlib_reader"]
    try:
        done = subprocess.run(
            command, cwd=_ROOT, capture_output=True, check=True, timeout=_TIMEOUT_SECONDS, encoding="utf-8"
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SampleUnreadable(f"Reading the standard library's documentation failed: {error}") from error
    entries = [Entry(**json.loads(line)) for line in done.stdout.splitlines()]
    return entries[:limit]


def importable(names: list[str]) -> list[tuple[str, ModuleType]]:
    """Return each module that can be imported on this machine, with its name."""
    found = []
    for name in names:
        # Some are built for another platform, or without the C library that they need.
        with contextlib.suppress(Exception, SystemExit):
            found.append((name, importlib.import_module(name)))
    return found


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what is printed meanwhile to nowhere, also by C code, and hide warnings."""
    sys.stdout.flush()
    kept, nowhere = [(fd, os.dup(fd)) for fd in (1, 2)], os.open(os.devnull, os.O_WRONLY)
    try:
        for fd, _ in kept:
            os.dup2(nowhere, fd)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        sys.stdout.flush()
    finally:
        for fd, copy in kept:
            os.dup2(copy, fd)
            os.close(copy)
        os.close(nowhere)


def main() -> None:
    """Write one JSON object for each entry to standard output."""
    with _silence():
        entries = read_modules(importable(module_names()))
    for entry in entries:
        sys.stdout.write(json.dumps(asdict(entry)) + "\n")


if __name__ == "__main__":
    main()
