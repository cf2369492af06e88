"""How values are written on the pages for people.

Nothing here marks text as safe: every value is escaped by the template that shows it.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django import template
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from search import branding
from search.datatypes import SearchResponse, SearchResult
from search.indexing.status import Stage
from search.query_service import MODES
from search.retrieval.filtering.facets import field_label, value_label

register = template.Library()

_LINKED_SCHEMES = {"http", "https", "mailto"}
_SHORT_CHARS = 48
_PAGE = re.compile(r"page (\d{1,6})")  # as readers write it


@register.filter
def grouped(number: int) -> str:
    """Return a whole number with the language's thousands separators."""
    return number_format(number, decimal_pos=0, use_l10n=True, force_grouping=True)


@register.filter
def total_found(response: SearchResponse) -> str:
    """Return how many documents were found, with a plus sign where there may be more."""
    return f"{grouped(response.total)}+" if response.total_relation == "gte" else grouped(response.total)


@register.filter
def metadata_name(key: str) -> str:
    """Return what people call a key of the metadata."""
    return field_label(f"metadata.{key}")


@register.filter
def named(slug: str, names: Mapping[str, str]) -> str:
    """Return what people call a collection."""
    return names.get(slug, slug)


@register.filter
def safe_link(url: str) -> str:
    """Return `url` if a link to it is harmless (http, https, mailto, relative), else "".

    Browsers strip leading spaces and inner tabs before they read the scheme, so any control character or
    blank disqualifies; so does a colon before the path that is not one of the known schemes.
    """
    if not url or any(character <= " " or character == "\x7f" for character in url):
        return ""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    if scheme:
        return url if scheme in _LINKED_SCHEMES else ""
    first_segment = url.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    return "" if ":" in first_segment else url


@register.filter
def place_link(url: str, place: str) -> str:
    """Return the link to a page of a PDF, where `url` is one that may be linked and `place` names a page, else ""."""
    page = _PAGE.fullmatch(place)
    link = safe_link(url)
    is_pdf = bool(link) and urlsplit(link).path.lower().endswith(".pdf") and "#" not in link
    return f"{link}#page={page[1]}" if page and is_pdf else ""


@register.filter
def place_name(place: str) -> str:
    """Return what people call a place in a document: a page in their language, anything else as it stands."""
    page = _PAGE.fullmatch(place)
    return _("page %(number)s") % {"number": page[1]} if page else place


@register.filter
def language_name(tag: str) -> str:
    """Return what people call a language."""
    return value_label("language", tag)


@register.filter
def source_name(url: str) -> str:
    """Return an address as people read it: host and path without scheme, query and escapes, shortened."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return Truncator(url).chars(_SHORT_CHARS)
    if parts.scheme not in {"http", "https"}:
        return Truncator(url).chars(_SHORT_CHARS)
    steps = [parts.netloc.removeprefix("www."), *(unquote(step) for step in parts.path.split("/") if step)]
    return Truncator(" › ".join(steps)).chars(_SHORT_CHARS * 2)


@register.filter
def chips(metadata: Mapping[str, Any], limit: int = 4) -> list[tuple[str, str]]:
    """Return up to `limit` (name, value) pairs of `metadata` that fit on a line; nested values are left out."""
    pairs = [(str(name), _as_words(value)) for name, value in metadata.items()]
    return [(Truncator(name).chars(_SHORT_CHARS), value) for name, value in pairs if value][:limit]


@register.filter
def level(result: SearchResult) -> int:
    """Return 1 to 3: how sure one may be that the result answers the query."""
    return {"strong": 3, "possible": 2}.get(result.strength, 1)


@register.filter
def strength_name(result: SearchResult) -> str:
    """Return in words how sure one may be that the result answers the query."""
    return {"strong": _("Strong match"), "possible": _("Possible match")}.get(result.strength, _("Weak match"))


@register.filter
def why_found(result: SearchResult) -> str:
    """Return in words which of the two ways of searching found the result."""
    if result.dense_score is not None and result.lexical_score is not None:
        return _("meaning and words")
    return _("words") if result.dense_score is None else _("meaning")


@register.filter
def mode_name(mode: str) -> str:
    """Return what people call a search mode."""
    names = {"hybrid": _("Meaning and words"), "dense": _("Meaning"), "lexical": _("Words")}
    return names.get(mode, mode)


@register.filter
def stage_name(stage: Stage) -> str:
    """Return in words where a document is on its way into the index."""
    names = {
        Stage.INDEXED: _("Up to date"),
        Stage.QUEUED: _("Queued"),
        Stage.ENCODING: _("Being indexed"),
        Stage.RETRYING: _("Trying again"),
        Stage.FAILED: _("Failed"),
        Stage.UNPUBLISHED: _("Not published"),
        Stage.WAITING: _("Waiting for an index"),
    }
    return names[stage]


@register.filter
def stoppage_name(kind: str) -> str:
    """Return in words, for everybody, why indexing is paused; the details are for the admin."""
    names = {
        "full": _("The disk is full; it goes on by itself once there is room."),
        "disk": _("The disk cannot be written to; it goes on by itself once that is mended."),
        "encoder": _("What reads the texts for their meaning cannot be loaded; it is tried again."),
    }
    return names.get(kind, _("Something needs the people who run this site; it is tried again."))


@register.simple_tag
def site() -> branding.Site:
    """Return what the pages show of their owner; error pages have no context that could hold it."""
    return branding.site()


@register.simple_tag
def search_modes() -> tuple[str, ...]:
    """Return the modes that searching knows, the default first."""
    return MODES


def _as_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return Truncator(", ".join(filter(None, map(_as_words, value)))).chars(_SHORT_CHARS)
    if isinstance(value, str | int | float):
        return Truncator(" ".join(str(value).split())).chars(_SHORT_CHARS)
    return ""
