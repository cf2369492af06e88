"""What people type → what is asked: words, phrases, exclusions and filters. Pure.

It never refuses anything: what cannot be read as an operator is a word. A query is seldom written for this module.
Addresses, times, code and dashes must stay what they are, so an operator is one only where a token begins, and
`name:value` is a filter only when the name is a field that the caller knows. In a text that somebody has pasted, the
quotes and dashes are the author's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

TEXT_FIELDS = ("title", "body")
EXISTS, PREFIX, ONE_OF, EQUALS, RANGE = "exists", "prefix", "in", "=", ".."

_MOST_WORDS = 32  # of a query that somebody has typed

_TOKEN = re.compile(r"\S+")
_QUOTED = re.compile(r'"([^"]*)"(?!\w)|“([^“”]*)”(?!\w)|„([^„“”]*)[“”](?!\w)')
_NAME = re.compile(r"([^\W\d][\w.-]*):(?=[^\s:])(?!//)")
_COMPARISON = re.compile(r"(>=|<=|>|<)(?=\S)")
_WORD_CHARACTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand together in this order; `field` is "title", "body" or, for either, nothing."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A condition on a field.

    `op` is "=", ">", ">=", "<", "<=", ".." (`value` is "low..high", either side may be empty), "in" (`value` is
    "a,b,c"), "prefix" (without its star) or "exists" (`value` is empty). A quoted value is always "=", as it stands.
    """

    field: str
    op: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query in its parts. `plain` is what the encoder gets: words and phrases, in their order, without operators."""

    text: str
    plain: str
    words: tuple[str, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    excluded: tuple[Phrase, ...] = ()
    filters: tuple[FieldValue, ...] = ()


def no_fields(name: str) -> bool:
    """Know no field: every `name:value` stays words."""
    return False


def parse(text: str, fields: Callable[[str], bool] = no_fields) -> ParsedQuery:
    """Return the parts of a query; `fields` tells whether a name can be filtered by. Never raises."""
    reading = _Reading(text, fields)
    at = 0
    while token := _TOKEN.search(text, at):
        at = reading.read(token.start(), token.end())
    return ParsedQuery(
        text=text,
        plain=" ".join(reading.plain),
        words=tuple(reading.words),
        phrases=tuple(reading.phrases),
        excluded=tuple(reading.excluded),
        filters=tuple(reading.filters),
    )


class _Reading:
    """The parts found so far."""

    def __init__(self, text: str, fields: Callable[[str], bool]) -> None:
        self.text = text
        self.fields = fields
        self.typed = len(text.split()) <= _MOST_WORDS
        self.plain: list[str] = []
        self.words: list[str] = []
        self.phrases: list[Phrase] = []
        self.excluded: list[Phrase] = []
        self.filters: list[FieldValue] = []

    def read(self, start: int, end: int) -> int:
        """Read the token that begins at `start`, and return where the next one may begin."""
        negated = self._excludes(start, end)
        at = start + negated
        name = _NAME.match(self.text, at, end)
        field = name[1] if name else ""
        after = 0
        if name and field.lower() in TEXT_FIELDS and self.typed:
            after = self._phrase(name.end(), end, field.lower(), negated)
        elif name and self.fields(field):
            after = self._filter(name.end(), end, field, negated)
        elif self.typed and (negated or _QUOTED.match(self.text, at)):
            after = self._phrase(at, end, "", negated)
        if after:
            return after
        self.words.append(self.text[start:end])
        self.plain.append(self.text[start:end])
        return end

    def _excludes(self, start: int, end: int) -> bool:
        """Tell whether a token's dash means "without": before a letter or a quotation, not before a number."""
        if self.text[start] != "-" or end - start < 2 or not self.typed:
            return False
        following = self.text[start + 1]
        return following in '"“„' or following.isalpha()

    def _phrase(self, at: int, end: int, field: str, negated: bool) -> int:
        """Read a phrase, quoted or up to the token's end; 0 when there is nothing in it that could be found."""
        text, after = self._value(at, end)
        if not _WORD_CHARACTER.search(text):
            return 0
        (self.excluded if negated else self.phrases).append(Phrase(text.strip(), field))
        if not negated:
            self.plain.append(text.strip())
        return after

    def _value(self, at: int, end: int) -> tuple[str, int]:
        if quoted := _QUOTED.match(self.text, at):
            return next(group for group in quoted.groups() if group is not None), quoted.end()
        return self.text[at:end], end

    def _filter(self, at: int, end: int, field: str, negated: bool) -> int:
        text, after = self._value(at, end)
        op, value = (EQUALS, text) if _QUOTED.match(self.text, at) else condition(text)
        self.filters.append(FieldValue(field, op, value, negated))
        return after


def condition(value: str) -> tuple[str, str]:
    """Return operator and value of what stands unquoted after `name:`."""
    if comparison := _COMPARISON.match(value):
        return comparison[1], value[comparison.end() :]
    if value == "*":
        return EXISTS, ""
    if ".." in value and value != "..":
        return RANGE, value
    if value.endswith("*"):
        return PREFIX, value[:-1]
    if "," in value.strip(","):
        return ONE_OF, value
    return EQUALS, value
