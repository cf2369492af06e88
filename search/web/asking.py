"""What a visitor asked for, read from the address of the search page, and the address that asks it again.

Lenient where an old or mistyped link would otherwise break (`k`), silent about nothing else: a wrong mode or
an overlong query is passed on, so that `query_service` can say what is wrong. Never touches the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from django.http import QueryDict
from django.urls import reverse

from search.query_service import MAX_K, MODES
from search.retrieval.result_set import SORTS
from search.storable import storable

FIRST_K = 20
DEFAULT_MODE = MODES[0]
DEFAULT_SORT = SORTS[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for the search page; an empty `collection` means the installation's default.

    `cursor` leads on in a result set that was found before. It is no part of the search, and of no shareable address.
    """

    query: str = ""
    collection: str = ""
    mode: str = DEFAULT_MODE
    k: int = FIRST_K
    filters: tuple[str, ...] = ()
    sort: str = DEFAULT_SORT
    weak: bool = False
    cursor: str = ""

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
            filters=_filters(parameters.getlist("filter")),
            sort=text("sort") or DEFAULT_SORT,
            weak=text("weak") in ("1", "true"),
            cursor=text("cursor"),
        )

    @property
    def checked_mode(self) -> str:
        """The mode, or the default where there is none of its name."""
        return self.mode if self.mode in MODES else DEFAULT_MODE

    @property
    def parameters(self) -> str:
        """The query string, without what is the default anyway; empty when nothing is left."""
        return self._written.urlencode()

    @property
    def _written(self) -> QueryDict:
        written = QueryDict(mutable=True)
        if self.query:
            written["q"] = self.query
        if self.collection:
            written["collection"] = self.collection
        if self.mode != DEFAULT_MODE:
            written["mode"] = self.mode
        if self.k != FIRST_K:
            written["k"] = str(self.k)
        if self.sort != DEFAULT_SORT:
            written["sort"] = self.sort
            if self.weak:
                written["weak"] = "1"
        written.setlist("filter", list(self.filters))
        return written

    @property
    def url(self) -> str:
        """The shareable address of this search."""
        return f"{reverse('web:search')}?{self.parameters}" if self.parameters else reverse("web:search")

    def following(self, cursor: str) -> str:
        """Return the address of the page that a cursor leads to."""
        written = replace(self, k=min(self.k, FIRST_K))._written
        written["cursor"] = cursor
        return f"{reverse('web:search')}?{written.urlencode()}"

    def down_to(self, rank: int) -> Self:
        """The same search with all results down to a rank on one page, as far as a page goes."""
        return replace(self, k=max(1, min(MAX_K, rank)), cursor="")

    def asking(self, query: str) -> Self:
        """The same search for other words."""
        return replace(self, query=query, k=FIRST_K, weak=False, cursor="")

    def within(self, collection: str) -> Self:
        """The same search in another collection, whose documents have other values to filter by."""
        return replace(self, collection=collection, k=FIRST_K, filters=(), cursor="")

    def in_default_mode(self) -> Self:
        """The same search in the mode that people get without choosing."""
        return replace(self, mode=DEFAULT_MODE, k=FIRST_K, cursor="")

    def filtered(self, filters: tuple[str, ...]) -> Self:
        """The same search with other filters."""
        return replace(self, filters=filters, cursor="")

    def sorted_by(self, sort: str) -> Self:
        """The same search in another order. That by relevance has the weak matches at its end anyway."""
        return replace(self, sort=sort, weak=self.weak and sort != DEFAULT_SORT, cursor="")

    def with_weak(self) -> Self:
        """The same search with the weak matches put in order too."""
        return replace(self, weak=True, cursor="")

    def refines(self, earlier: Self) -> bool:
        """True when this is `earlier` being typed on or taken back, so that it is no step of its own."""
        both_ask = bool(self.query and earlier.query)
        same_place = replace(self, query="", k=FIRST_K) == replace(earlier, query="", k=FIRST_K)
        grown = self.query.startswith(earlier.query) or earlier.query.startswith(self.query)
        return both_ask and same_place and grown


def _filters(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for each in texts if (text := storable(each).strip())))


def _clamped_k(text: str) -> int:
    try:
        return max(1, min(MAX_K, int(text)))
    except ValueError:
        return FIRST_K
