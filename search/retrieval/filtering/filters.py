"""What a search is restricted to: conditions on documents' fields, checked, and as one QuerySet on either database.

A document is in or out: nothing here ranks. A condition means the same in the query (`tag:news`), in an address or
the API (`filter=tag:news`) and on SQLite and PostgreSQL: values are compared as they are written, upper and lower case
matter, several conditions must all hold, and a negated one holds wherever the condition itself does not.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from django.db.models import BooleanField, Case, Q, Value, When
from django.utils.translation import gettext as _

from search.models import Document
from search.retrieval.filtering.date_values import NotADate, date_span
from search.retrieval.filtering.document_conditions import metadata_holds, own_date_between, text_holds
from search.retrieval.query_language import EQUALS, EXISTS, ONE_OF, PREFIX, RANGE, FieldValue, condition

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

METADATA = "metadata."
TEXTS = {"collection": "collection__slug", "external_id": "external_id", "language": "language", "title": "title",
         "url": "url", "visibility": "visibility"}  # fmt: skip
TIMES = {"created": "created_at", "updated": "updated_at"}
DATE, TAG = "date", "tag"
FIELDS = (TAG, *sorted([*TEXTS, *TIMES, DATE]))
_ALSO = {"tags": TAG, "lang": "language", "id": "external_id"}
_MOST = 40
_MOST_VALUES = 200
_COMPARISONS = (">", ">=", "<", "<=")
_NEVER = Q(pk__in=[])


class InvalidFilter(ValueError):
    """A filter cannot be applied; `field` and `value` are at fault, the message says what would do."""

    def __init__(self, field: str, value: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


def is_field(name: str) -> bool:
    """Tell whether documents can be filtered by a field of this name."""
    return canonical(name) in FIELDS or (name.lower().startswith(METADATA) and len(name) > len(METADATA))


def canonical(name: str) -> str:
    """Return how a field is called here: the fields' names in lower case, keys of metadata as they are."""
    lower = name.lower()
    if lower.startswith(METADATA):
        return METADATA + name[len(METADATA) :]
    return _ALSO.get(lower, lower)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `values` are one for most operators, two for a range (either may be empty), none for "exists"."""

    field: str
    op: str
    values: tuple[str, ...]
    negated: bool = False

    @classmethod
    def of(cls, given: FieldValue) -> Self:
        """Return a checked condition. Raises InvalidFilter."""
        values: tuple[str, ...] = (given.value,)
        if given.op == RANGE:
            low, _dots, high = given.value.partition("..")
            values = (low.strip(), high.strip())
        elif given.op == ONE_OF:
            values = tuple(dict.fromkeys(value.strip() for value in given.value.split(",") if value.strip()))
        elif given.op == EXISTS:
            values = ()
        return cls(canonical(given.field), given.op, values, given.negated).checked()

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the condition of a parameter such as `tag:news`, `-language:de` or `tag:"a, b",c`.

        Raises InvalidFilter.
        """
        negated = text.startswith("-")
        name, colon, value = text[negated:].partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not name:
            raise InvalidFilter(
                text, "", _("%(text)s is no filter. A filter is written field:value, for example tag:news.")
                % {"text": _shown(text)},
            )  # fmt: skip
        op, plain = condition(value)
        if not (value.startswith('"') or (op == ONE_OF and '"' in value)):
            return cls.of(FieldValue(name, op, plain, negated))
        values = tuple(dict.fromkeys(next(csv.reader([value], skipinitialspace=True))))
        return cls(canonical(name), ONE_OF, values, negated).checked()

    def checked(self) -> Self:
        """Return it, if it can be applied. Raises InvalidFilter."""
        if not is_field(self.field):
            raise InvalidFilter(
                self.field, ",".join(self.values),
                _("There is no field %(field)s to filter by. Fields: %(known)s, and metadata.NAME for any key.")
                % {"field": _shown(self.field), "known": ", ".join(FIELDS)},
            )  # fmt: skip
        if '"' in self.field or "\\" in self.field:
            raise self._invalid(_("A key of metadata with a quotation mark or a backslash cannot be filtered by."))
        if len(self.values) > _MOST_VALUES:
            raise self._invalid(_("At most %(most)d values can be given for one field.") % {"most": _MOST_VALUES})
        if self.op != EXISTS and not any(self.values):
            raise self._invalid(_('Say a value after the colon, or * for "has one".'))
        if self.field == "visibility":
            self._check_choices(Document.Visibility.values)
        if self.field in TIMES or self.field == DATE:
            self._check_dates()
        return replace(self, op=EQUALS) if self.op == ONE_OF and len(self.values) == 1 else self

    @property
    def text(self) -> str:
        """The condition as a parameter; `read` gives back the same."""
        dash = "-" if self.negated else ""
        return f"{dash}{self.field}:{self._written()}"

    def _written(self) -> str:
        if self.op == EXISTS:
            return "*"
        if self.op == RANGE:
            return "..".join(self.values)
        if self.op == PREFIX:
            return f"{self.values[0]}*"
        if self.op in _COMPARISONS:
            return self.op + self.values[0]
        return ",".join(self.values if all(map(_is_plain, self.values)) else map(_quoted, self.values))

    @property
    def q(self) -> Q:
        """The condition for a QuerySet of documents."""
        holds = self._holds()
        if not self.negated:
            return holds
        # NOT of an unknown is unknown; this is false wherever the condition is not true.
        return ~Q(Case(When(holds, then=Value(True)), default=Value(False), output_field=BooleanField()))

    def _holds(self) -> Q:
        if self.field in TIMES or self.field == DATE:
            return self._holds_in_time()
        if self.field in TEXTS:
            return text_holds(TEXTS[self.field], self.op, self.values)
        if self.field == TAG:
            return metadata_holds("tags", self.op, self.values) | metadata_holds("tag", self.op, self.values)
        return metadata_holds(self.field[len(METADATA) :], self.op, self.values)

    def _holds_in_time(self) -> Q:
        if self.op == EXISTS:
            return ~_NEVER
        if self.op == RANGE:
            return self._between(*self.values)
        if self.op in (EQUALS, ONE_OF):
            return _any(self._between(value, value) for value in self.values)
        bound = self.values[0]
        if self.op in (">", "<="):
            upto = self._between("", bound)
            return upto if self.op == "<=" else ~upto
        since = self._between(bound, "")
        return since if self.op == ">=" else ~since

    def _between(self, low: str, high: str) -> Q:
        """Return the condition that the time is in what `low` to `high` mean, both included; empty is no bound."""
        column = TIMES.get(self.field, "created_at")
        inside = Q()
        if low:
            inside &= Q(**{f"{column}__gte": date_span(low).start})
        if high:
            inside &= Q(**{f"{column}__lt": date_span(high).end})
        return inside if self.field in TIMES else own_date_between(low, high, otherwise=inside)

    def _check_dates(self) -> None:
        if self.op == PREFIX:
            raise self._invalid(_("Dates have no beginnings; write 2024, 2024-05 or 2024-01..2024-03."))
        for value in filter(None, self.values):
            try:
                date_span(value)
            except NotADate:
                raise self._invalid(
                    _("%(value)s is no date. Dates are written 2024, 2024-05 or 2024-05-17.") % {"value": _shown(value)}
                ) from None

    def _check_choices(self, choices: Iterable[str]) -> None:
        known = list(choices)
        for value in self.values if self.op in (EQUALS, ONE_OF) else ():
            if value not in known:
                raise self._invalid(
                    _("%(value)s is not known; known: %(known)s.") % {"value": _shown(value), "known": ", ".join(known)}
                )

    def _invalid(self, message: str) -> InvalidFilter:
        value = ",".join(self.values)
        return InvalidFilter(self.field, value, f"{_shown(self.field)}: {message}")


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that must all hold. Equal filters are written alike, whatever the order they were given in."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, values: Iterable[FieldValue] = (), parameters: Iterable[str] = ()) -> Self:
        """Return the filters of a query and of an address or request. Raises InvalidFilter."""
        conditions = [Condition.of(value) for value in values]
        conditions += [Condition.read(text) for text in parameters if text.strip()]
        if len(conditions) > _MOST:
            raise InvalidFilter("", "", _("There are more than %(most)d filters.") % {"most": _MOST})
        return cls(tuple(sorted(set(conditions), key=lambda each: each.text)))

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __add__(self, other: "Filters") -> "Filters":
        return Filters(tuple(sorted({*self.conditions, *other.conditions}, key=lambda each: each.text)))

    @property
    def texts(self) -> tuple[str, ...]:
        """The conditions as parameters."""
        return tuple(each.text for each in self.conditions)

    @property
    def key(self) -> str:
        """What two filters that select the same by the same conditions have in common."""
        return "\n".join(self.texts)

    def apply(self, documents: "DocumentQuerySet") -> "DocumentQuerySet":
        """Return those of the documents for which every condition holds."""
        for each in self.conditions:
            documents = documents.filter(each.q)
        return documents

    def without(self, condition: Condition) -> "Filters":
        """Return the filters without one of them."""
        return Filters(tuple(each for each in self.conditions if each != condition))

    def chosen(self, field: str) -> tuple[str, ...]:
        """Return the values of a field that a document must have."""
        choices = [each for each in self.conditions if each.field == canonical(field) and not each.negated]
        return tuple(dict.fromkeys(each.values[0] for each in choices if each.op == EQUALS))

    def toggled(self, field: str, value: str) -> "Filters":
        """Return the filters with one more value that a document must have, or without it if it is among them."""
        choice = Condition(canonical(field), EQUALS, (value,))
        return self.without(choice) if choice in self.conditions else self + Filters((choice,))


def filter_for(field: str, value: str) -> str:
    """Return the parameter that selects the documents with one value of a field."""
    return Condition(canonical(field), EQUALS, (value,)).text


def _any(parts: Iterable[Q]) -> Q:
    found = _NEVER
    for part in parts:
        found |= part
    return found


def _is_plain(value: str) -> bool:
    """Tell whether a value is itself when it is read without quotation marks."""
    return value == value.strip() and '"' not in value and condition(value) == (EQUALS, value) and "," not in value


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _shown(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "…"
