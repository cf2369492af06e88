"""Files made to do harm, and broken ones, made in code; each with the reason that people must be given.

What `at` says is what fails: the whole file, a row of it, an entry of the archive; or nothing, where the file is
harmless once it is read with care. Nothing here is a live exploit of any parser.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file of the corpus."""

    what: str
    file: str  # the name under which somebody uploads it
    make: Callable[[], bytes] = bytes
    reason: str = ""  # a regular expression that its reason matches
    at: str = "file"  # or "row", "entry", "nothing"
    never: str = ""  # what must not be in any text that is read
    write: Callable[[Path], None] | None = None  # of a file too large to be made in memory, instead of `make`

    def put(self, path: Path) -> None:
        """Write the file to a path."""
        if self.write:
            self.write(path)
        else:
            path.write_bytes(self.make())


def corpus() -> Iterator[Hostile]:
    """Yield every file."""
    from . import hostile_archives, hostile_documents, hostile_rows

    yield from hostile_archives.FILES
    yield from hostile_documents.FILES
    yield from hostile_rows.FILES
