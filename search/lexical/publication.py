"""What the database remembers of a published lexical index, and what can be wrong with one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class LexicalDamaged(Exception):
    """The lexical index cannot be used as it is on disk; it can be rebuilt from the database."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A published state: the folder's name below `published`, and the SHA-256 of each of its files.

    `recipe` names the analysis that made its terms; queries of another analysis would not find them.
    """

    folder: str
    files: Mapping[str, str]
    recipe: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form that the database keeps."""
        return {"folder": self.folder, "files": dict(self.files), "recipe": self.recipe}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Publication | None":
        """Return the publication that the database describes, or None for an empty description."""
        return cls(value["folder"], value["files"], value.get("recipe", "")) if value else None
