"""What a comparison of database and index found, in a form for repairs, for people and for machines."""

from dataclasses import dataclass, field
from typing import Any

_SHOWN = 20
_DIFFERENCES = (
    "missing",
    "stale",
    "ghosts",
    "chunks_without_vector",
    "chunks_not_dense",
    "chunks_only_dense",
    "chunks_not_lexical",
    "chunks_only_lexical",
    "damaged_files",
    "problems",
)


@dataclass
class DriftReport:
    """What was compared and what differs; ids of documents unless the name says chunks or files.

    `missing` documents are not in the index and should be, `stale` ones are in it otherwise than they are now,
    `ghosts` are in it and should not be. `chunks_only_…` are vectors and lexical entries that stand for no chunk.
    """

    collection: str
    version: int | None = None
    state: str = ""
    documents: int = 0
    chunks: int = 0
    pending: int = 0
    failed: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    ghosts: list[int] = field(default_factory=list)
    chunks_without_vector: list[int] = field(default_factory=list)
    chunks_not_dense: list[int] = field(default_factory=list)
    chunks_only_dense: list[int] = field(default_factory=list)
    chunks_not_lexical: list[int] = field(default_factory=list)
    chunks_only_lexical: list[int] = field(default_factory=list)
    damaged_files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    # What a repair has to write again: intervals of chunk ids, and whether the lexical index is to be built anew.
    intervals: list[tuple[int, int]] = field(default_factory=list)
    lexical_anew: bool = False

    @property
    def clean(self) -> bool:
        """True when database and index agree, pending work aside."""
        return not self.drift

    @property
    def drift(self) -> int:
        """How many differences there are; documents in quarantine are reported, not drift."""
        return sum(len(found) for found in self.differences().values())

    def differences(self) -> dict[str, list[int] | list[str]]:
        """Return every list of differences by its name."""
        return {name: getattr(self, name) for name in _DIFFERENCES}

    def take(self, other: "DriftReport") -> None:
        """Add what a part of the comparison found."""
        for name in (*_DIFFERENCES, "intervals"):
            getattr(self, name).extend(getattr(other, name))
        self.lexical_anew |= other.lexical_anew

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines; long lists are cut to their first entries, with their length."""
        values: dict[str, Any] = {
            "collection": self.collection,
            "version": self.version,
            "state": self.state,
            "documents": self.documents,
            "chunks": self.chunks,
            "pending": self.pending,
            "clean": self.clean,
            "drift": self.drift,
        }
        for name, found in {**self.differences(), "failed": self.failed}.items():
            values[name] = {"count": len(found), "first": found[:_SHOWN]}
        return values
