"""What the page offers to narrow a search down, and what narrows it down already: filters, facets and orders as links.

Only writes links and labels; what a filter selects is retrieval's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from search.datatypes import Facet, FacetValue
from search.retrieval.filtering.facets import field_label, value_label
from search.retrieval.filtering.filters import Condition, Filters, InvalidFilter, filter_for
from search.retrieval.query_language import EQUALS, EXISTS, ONE_OF, PREFIX, RANGE
from search.retrieval.result_set import SORTS

from .asking import Asked

_AT_ONCE = 7  # values of a facet; the others are behind one more step


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to another search; `count` is empty where nothing is counted, `url` where it cannot be taken away."""

    label: str
    url: str
    selected: bool = False
    count: str = ""


@dataclass(frozen=True, slots=True)
class ShownFacet:
    """A field, its most frequent values, and those that are shown on demand."""

    label: str
    first: tuple[Choice, ...]
    others: tuple[Choice, ...]


def chips(asked: Asked, collections: Mapping[str, str]) -> list[Choice]:
    """Return the filters of the address, each with the address without it; one that cannot be read as it stands.

    `collections` are their names by slug.
    """
    found = []
    for text in asked.filters:
        rest = asked.filtered(tuple(other for other in asked.filters if other != text))
        try:
            label = _in_words(Condition.read(text), collections)
        except InvalidFilter:
            label = text
        found.append(Choice(label, rest.url))
    return found


def facets(asked: Asked, found: tuple[Facet, ...], collections: Mapping[str, str]) -> list[ShownFacet]:
    """Return the facets with a link for each value: to the search with it, or without it where it is chosen."""
    filters = Filters.of(parameters=asked.filters)
    shown = []
    for facet in found:
        choices = tuple(_choice(asked, filters, facet, value, collections) for value in facet.values)
        shown.append(ShownFacet(facet.label, choices[:_AT_ONCE], choices[_AT_ONCE:]))
    return shown


def orders(asked: Asked) -> list[Choice]:
    """Return the orders that results can be put in."""
    names = {"relevance": _("Best first"), "newest": _("Newest"), "oldest": _("Oldest"), "title": _("Title")}
    return [Choice(names[sort], asked.sorted_by(sort).url, sort == asked.sort) for sort in SORTS]


def _choice(asked: Asked, filters: Filters, facet: Facet, value: FacetValue, collections: Mapping[str, str]) -> Choice:
    removable = filter_for(facet.field, value.value) in filters.texts
    url = asked.filtered(filters.toggled(facet.field, value.value).texts).url
    count = number_format(value.count, decimal_pos=0, use_l10n=True, force_grouping=True)
    in_query = value.selected and not removable
    label = collections.get(value.value, value.label) if facet.field == "collection" else value.label
    return Choice(label, "" if in_query else url, value.selected, count if facet.exact else f"{count}+")


def _in_words(condition: Condition, collections: Mapping[str, str]) -> str:
    values = [value_label(condition.field, value) for value in condition.values]
    if condition.field == "collection":
        values = [collections.get(value, value) for value in condition.values]
    if condition.op in (EQUALS, ONE_OF):
        text = _(" or ").join(values)
    elif condition.op == EXISTS:
        text = _("any")
    elif condition.op == PREFIX:
        text = f"{values[0]}…"
    elif condition.op == RANGE:
        text = " – ".join(values).strip()
    else:
        text = f"{condition.op} {values[0]}"
    text = _("not %(value)s") % {"value": text} if condition.negated else text
    return f"{field_label(condition.field)}: {text}"
