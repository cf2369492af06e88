"""What a visitor asked for, read from the address of the search page, and the address that asks it again.

Lenient where an old or mistyped link would otherwise break (`k`), silent about nothing else: a wrong mode or
an overlong query is passed on, so that `query_service` can say what is wrong. Never touches the database.
"""

from dataclasses import dataclass, replace
from typing import Self

from django.http import QueryDict
from django.urls import reverse

from search.query_service import MAX_K, MODES
from search.storable import storable

FIRST_K = 20
DEFAULT_MODE = MODES[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for the search page; an empty `collection` means the installation's default."""

    query: str = ""
    collection: str = ""
    mode: str = DEFAULT_MODE
    k: int = FIRST_K

    @classmethod
    def from_parameters(cls, parameters: QueryDict) -> Self:
        """Read the query string; characters that no database stores are replaced."""

        def text(name: str) -> str:
            return storable(parameters.get(name, "")).strip()

        return cls(
            query=text("q"),
            collection=text("collection"),
            mode=text("mode") or DEFAULT_MODE,
            k=_clamped_k(text("k")),
        )

    @property
    def parameters(self) -> str:
        """The query string, without what is the default anyway; empty when nothing is left."""
        written = QueryDict(mutable=True)
        if self.query:
            written["q"] = self.query
        if self.collection:
            written["collection"] = self.collection
        if self.mode != DEFAULT_MODE:
            written["mode"] = self.mode
        if self.k != FIRST_K:
            written["k"] = str(self.k)
        return written.urlencode()

    @property
    def url(self) -> str:
        """The shareable address of this search."""
        return f"{reverse('web:search')}?{self.parameters}" if self.parameters else reverse("web:search")

    def asking(self, query: str) -> Self:
        """The same search for other words."""
        return replace(self, query=query, k=FIRST_K)

    def within(self, collection: str) -> Self:
        """The same search in another collection."""
        return replace(self, collection=collection, k=FIRST_K)

    def in_default_mode(self) -> Self:
        """The same search in the mode that people get without choosing."""
        return replace(self, mode=DEFAULT_MODE, k=FIRST_K)

    def more(self) -> Self:
        """The same search with more results, as many as one answer may have."""
        return replace(self, k=min(MAX_K, self.k * 2))

    def refines(self, earlier: Self) -> bool:
        """True when this is `earlier` being typed on or taken back, so that it is no step of its own."""
        both_ask = bool(self.query and earlier.query)
        same_place = (self.collection, self.mode) == (earlier.collection, earlier.mode)
        grown = self.query.startswith(earlier.query) or earlier.query.startswith(self.query)
        return both_ask and same_place and grown


def _clamped_k(text: str) -> int:
    try:
        return max(1, min(MAX_K, int(text)))
    except ValueError:
        return FIRST_K
