"""What the search page has to say: one of a few named states, and all that its templates show of it.

Only reads what was found and writes the links from it; asks neither index nor database.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from search import query_service
from search.datatypes import SearchResponse
from search.indexing.progress import CollectionProgress
from search.models import Collection
from search.retrieval.calibration import Strength

from . import narrowing
from .asking import DEFAULT_SORT, Asked

MOST_TABS = 5


class State(StrEnum):
    """What the page has to say; each value is the name of a template in search/answers/."""

    START = "start"
    RESULTS = "results"
    DISTANT = "distant"  # something was found, nothing of it is a good match
    NOTHING = "nothing"
    NOT_READY = "not_ready"
    BAD_QUERY = "bad_query"
    UNKNOWN_COLLECTION = "unknown_collection"
    NO_COLLECTION = "no_collection"


_STATUS = {State.NOT_READY: 503, State.BAD_QUERY: 400, State.UNKNOWN_COLLECTION: 404}


@dataclass(frozen=True, slots=True)
class Link:
    """Another search that the page offers."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows. `progress` is given where the index is behind, or while nothing is asked."""

    state: State
    asked: Asked
    collections: tuple[Collection, ...] = ()
    collection: Collection | None = None
    response: SearchResponse | None = None
    progress: CollectionProgress | None = None
    examples: tuple[Link, ...] = ()
    message: str = ""
    respelled: Link | None = None  # the same search with a key of the metadata as documents have it
    retry_after_seconds: int = 0

    @property
    def status(self) -> int:
        """The HTTP status that fits the state."""
        return _STATUS.get(self.state, 200)

    @property
    def template(self) -> str:
        """The template of what stands below the search field."""
        return f"search/answers/{self.state}.html"

    @property
    def meant(self) -> Link | None:
        """The same search for what was probably meant."""
        proposed = self.response.did_you_mean if self.response else ""
        return Link(proposed, self.asked.asking(proposed).url) if proposed else None

    @property
    def is_across(self) -> bool:
        """True when several collections are searched together."""
        return "," in self.asked.collection

    @property
    def everywhere(self) -> str:
        """What names all collections together; empty where there is one, or more than are searched at once."""
        several = 1 < len(self.collections) <= query_service.MAX_COLLECTIONS
        return ",".join(each.slug for each in self.collections) if several else ""

    @property
    def tabs(self) -> list[narrowing.Choice]:
        """The same search in each of the collections and in all together; of many there is a list instead."""
        if not 1 < len(self.collections) <= MOST_TABS:
            return []
        chosen = None if self.is_across else self.collection
        tabs = [narrowing.Choice(each.name, self.asked.within(each.slug).url, each == chosen)
                for each in self.collections]  # fmt: skip
        return [*tabs, narrowing.Choice(_("All"), self.asked.within(self.everywhere).url, self.is_across)]

    @property
    def place(self) -> str:
        """The name of what was searched."""
        if self.is_across:
            return _("these collections")
        return self.collection.name if self.collection is not None else ""

    @property
    def elsewhere(self) -> list[Link]:
        """The same search in all collections together, and in each of the others."""
        others = (each for each in self.collections if self.is_across or each != self.collection)
        links = [Link(each.name, self.asked.within(each.slug).url) for each in others]
        if self.everywhere and not self.is_across:
            links.insert(0, Link(_("all collections"), self.asked.within(self.everywhere).url))
        return links

    @property
    def is_current(self) -> bool:
        """True when nothing that the visitor may see waits to be indexed, in any of the collections searched."""
        response = self.response
        silent = self.is_across and response is not None and bool(response.degraded)
        return response is not None and self.progress is None and not response.pending_documents and not silent

    @property
    def waiting(self) -> int:
        """How many documents of several collections are saved and not searchable yet."""
        return self.response.pending_documents if self.response is not None and self.is_across else 0

    @property
    def names(self) -> dict[str, str]:
        """What the collections are called, by slug."""
        return {each.slug: each.name for each in self.collections}

    @property
    def first_weak(self) -> int:
        """The rank of the first of the weak matches that end the first page of an order by relevance; 0 for none."""
        results = self.response.results if self.response is not None and self.asked.sort == DEFAULT_SORT else ()
        good = [result.rank for result in results if result.strength != Strength.WEAK or result.pinned]
        return good[-1] + 1 if good and results[0].rank == 1 and good[-1] < results[-1].rank else 0

    @property
    def is_start(self) -> bool:
        """True while nothing is asked."""
        return self.state is State.START

    @property
    def chips(self) -> list[narrowing.Choice]:
        """The filters of the address."""
        return narrowing.chips(self.asked, self.names)

    @property
    def unfiltered(self) -> Asked:
        """The same search without filters."""
        return self.asked.filtered(())

    @property
    def facets(self) -> list[narrowing.ShownFacet]:
        """What the results can be narrowed down by."""
        return narrowing.facets(self.asked, self.response.facets, self.names) if self.response is not None else []

    @property
    def orders(self) -> list[narrowing.Choice]:
        """What the results can be ordered by, where there is something to order."""
        return narrowing.orders(self.asked) if self.response is not None and self.response.total > 1 else []

    @property
    def with_weak(self) -> Asked | None:
        """The same search with the weak matches that this order has left out; None where there are none."""
        return self.asked.with_weak() if self.response is not None and self.response.weak_left_out else None

    @property
    def next_url(self) -> str:
        """The address of what comes after these results, empty when this is all."""
        if self.response is None or not self.response.next_cursor:
            return ""
        return self.asked.following(self.response.next_cursor)

    @property
    def first_rank(self) -> int:
        """The place of the first result that is shown."""
        return self.response.results[0].rank if self.response is not None and self.response.results else 0

    @property
    def last_rank(self) -> int:
        """The place of the last result that is shown."""
        return self.response.results[-1].rank if self.response is not None and self.response.results else 0
