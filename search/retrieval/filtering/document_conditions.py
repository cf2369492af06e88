"""Conditions on documents' fields as SQL that means the same on SQLite and PostgreSQL, and is never unknown.

JSON has types and people do not write them: `5` is the number and the text, a list has each of its values. Numbers are
compared as numbers, dates as dates and everything else by code points, whatever the database's collation. An upper
bound includes all that begins with it: up to `2024-05` is up to the end of May.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Case, F, Func, Q, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Substr
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.db.models.sql.compiler import SQLCompiler

from search.retrieval.filtering.date_values import OWN_DATE, OWN_DATE_KEYS, NotADate, written
from search.retrieval.query_language import EQUALS, EXISTS, ONE_OF, PREFIX, RANGE

_Sql = tuple[str, list[Any]]
_SQLITE, _POSTGRESQL = "sqlite", "postgresql"
NUMBER = r"\A-?[0-9]{1,15}(\.[0-9]{1,15})?\Z"
_DATE = r"\A[0-9]{4}-[0-9]{2}"
_MONTH_OR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?\Z")
_MONTH_CHARS = 7
_FALSE: _Sql = ("1 = 0", [])


class CodePoints(Func):
    """A text that is compared by code points."""

    output_field = TextField()
    template = "%(expressions)s"

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template='(%(expressions)s COLLATE "C")', **extra)


def text_holds(column: str, op: str, values: Sequence[str]) -> Q:
    """Return the condition that a text column is as asked; "exists" is any text at all."""
    text = CodePoints(F(column))
    if op == EXISTS:
        return ~Q(**{column: ""})
    if op in (EQUALS, ONE_OF):
        return Q(**{f"{column}__in": list(values)})
    if op == PREFIX:
        return Q(Exact(Substr(text, 1, len(values[0])), Value(values[0])))
    if op == RANGE:
        return between(text, *values)
    return _compared(text, op, values[0])


def between(text: Combinable, low: str, high: str) -> Q:
    """Return the condition that a text is from `low` to what begins with `high`; an empty bound is none."""
    above = Q(GreaterThanOrEqual(text, Value(low))) if low else Q()
    return above & _compared(text, "<=", high) if high else above


def _compared(text: Combinable, op: str, bound: str) -> Q:
    beginning = Substr(text, 1, len(bound))
    if op == ">":
        return Q(GreaterThan(beginning, Value(bound)))
    if op == "<=":
        return Q(LessThanOrEqual(beginning, Value(bound)))
    return Q(GreaterThanOrEqual(text, Value(bound)) if op == ">=" else LessThan(text, Value(bound)))


class OwnDate(Func):
    """The text of a document's own date (`metadata.date`, or else `.published`), or NULL where it has none."""

    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(F("metadata"))

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        cases, values = "", []
        for key in OWN_DATE_KEYS:
            text = f"CAST(json_extract({column}, '$.{key}') AS TEXT)"
            kind = f"json_type({column}, '$.{key}') IN ('text', 'integer')"
            cases += f" WHEN {kind} AND {text} REGEXP %s THEN {text}"
            values += [*params, *params, OWN_DATE, *params]
        return f"CASE{cases} END", values

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        cases, values = "", []
        for key in OWN_DATE_KEYS:
            text = f"({column} ->> '{key}')"
            kind = f"jsonb_typeof({column} -> '{key}') IN ('string', 'number')"
            cases += f' WHEN {kind} AND {text} ~ %s THEN {text} COLLATE "C"'
            values += [*params, *params, OWN_DATE, *params]
        return f"CASE{cases} END", values


def own_date_between(low: str, high: str, *, otherwise: Q) -> Q:
    """Return the condition that a document's own date is from `low` to `high`; without one, what holds otherwise."""
    own = OwnDate()
    inside = between(own, written(low) if low else "", written(high) if high else "")
    has_one = Q(GreaterThan(own, Value("")))
    return Q(
        Case(
            When(has_one & inside, then=Value(True)),
            When(has_one, then=Value(False)),
            When(otherwise, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
    )


def metadata_holds(key: str, op: str, values: Sequence[str]) -> Q:
    """Return the condition that a key of the metadata has a value as asked; dots also lead into nested objects."""
    steps = tuple(key.split("."))
    paths = [(key,)] if len(steps) == 1 or not all(steps) else [(key,), steps]
    found = Q()
    for path in paths:
        found |= Q(_MetadataHas(path, op, values))
    return found


class _MetadataHas(Func):
    """Whether a value in the metadata, or one in a list of them, is as asked."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, path: tuple[str, ...], op: str, values: Sequence[str]) -> None:
        super().__init__(F("metadata"))
        self.path, self.op, self.values = path, op, tuple(values)

    @property
    def identity(self) -> Any:  # what Django compares expressions by
        return (*super().identity, self.path, self.op, self.values)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        path = "$" + "".join(f'."{step}"' for step in self.path)
        if self.op == EXISTS:
            sql = (
                f"(COALESCE(json_type({column}, %s), 'null') <> 'null' AND json_extract({column}, %s) <> '' AND NOT "
                f"(json_type({column}, %s) IN ('array', 'object') AND json_extract({column}, %s) IN ('[]', '{{}}')))"
            )
            return sql, [*params, path] * 4
        holds, more = self._of_element(_Sqlite)
        elements = f"SELECT 1 FROM json_each({column}, %s) AS e WHERE {holds}"  # noqa: S608 - values are parameters
        sql = f"(COALESCE(json_type({column}, %s), '') <> 'object' AND EXISTS({elements}))"
        return sql, [*params, path, *params, path, *more]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        place = column + " -> %s::text" * len(self.path)
        given = [*params, *self.path]
        if self.op == EXISTS:
            empty = "('null'::jsonb, '\"\"'::jsonb, '[]'::jsonb, '{}'::jsonb)"
            return f"(COALESCE({place}, 'null'::jsonb) NOT IN {empty})", given
        holds, more = self._of_element(_Postgresql)
        listed = f"CASE jsonb_typeof({place}) WHEN 'array' THEN {place} ELSE jsonb_build_array({place}) END"
        elements = f"SELECT 1 FROM jsonb_array_elements({listed}) AS e(value) WHERE {holds}"  # noqa: S608
        return f"EXISTS({elements})", [*given * 3, *more]

    def _of_element(self, dialect: "type[_Dialect]") -> _Sql:
        """Return the condition for one value."""
        if self.op in (EQUALS, ONE_OF):
            return _joined(" OR ", [_equals(dialect, value) for value in self.values])
        if self.op == PREFIX:
            start = self.values[0]
            sql = f"CASE WHEN {dialect.is_text} THEN substr({dialect.text}, 1, {len(start)}) = %s ELSE 1 = 0 END"
            return sql, [start]
        if self.op == RANGE:
            bounds = zip((">=", "<="), self.values, strict=True)
            return _joined(" AND ", [_bounded(dialect, op, bound) for op, bound in bounds if bound])
        return _bounded(dialect, self.op, self.values[0])


class _Dialect:
    """How a database writes the kinds of a JSON value."""

    text: str
    number: str
    text_as_number: str
    is_text: str
    is_number: str
    is_truth: str
    truth: str
    matches: str
    number_parameter: str

    @staticmethod
    def parameter(number: str) -> Any:
        """Return a number as the database takes it."""
        return number


class _Sqlite(_Dialect):
    text = number = "e.value"
    text_as_number = "CAST(e.value AS REAL)"
    is_text = "e.type = 'text'"
    is_number = "e.type IN ('integer', 'real')"
    is_truth = "e.type IN ('true', 'false')"
    truth = "e.type"
    matches = "REGEXP"
    number_parameter = "%s"

    @staticmethod
    def parameter(number: str) -> Any:
        return float(number) if "." in number else int(number)


class _Postgresql(_Dialect):
    text = "((e.value #>> '{}') COLLATE \"C\")"
    number = text_as_number = "(e.value #>> '{}')::numeric"
    is_text = "jsonb_typeof(e.value) = 'string'"
    is_number = "jsonb_typeof(e.value) = 'number'"
    is_truth = "jsonb_typeof(e.value) = 'boolean'"
    truth = "(e.value #>> '{}')"
    matches = "~"
    number_parameter = "%s::numeric"


def _equals(dialect: type[_Dialect], value: str) -> _Sql:
    cases, params = [f"WHEN {dialect.is_text} THEN {dialect.text} = %s"], [value]
    if _MONTH_OR_DAY.match(value):  # means all that it has: the days of a month, the times of a day
        longer = [f"{value}-"] if len(value) == _MONTH_CHARS else [f"{value}T", f"{value} "]
        inside = f"substr({dialect.text}, 1, {len(value) + 1}) IN ({', '.join(['%s'] * len(longer))})"
        cases, params = [f"WHEN {dialect.is_text} THEN ({dialect.text} = %s OR {inside})"], [value, *longer]
    if re.match(NUMBER, value):
        cases.append(f"WHEN {dialect.is_number} THEN {dialect.number} = {dialect.number_parameter}")
        params.append(dialect.parameter(value))
    cases.append(f"WHEN {dialect.is_truth} THEN {dialect.truth} = %s")
    return f"CASE {' '.join(cases)} ELSE 1 = 0 END", [*params, value]


def _bounded(dialect: type[_Dialect], op: str, bound: str) -> _Sql:
    """Return the condition that a value is beyond or up to a bound of its own kind."""
    cases: list[str] = []
    params: list[Any] = []
    numeric = re.match(NUMBER, bound) is not None
    if numeric:
        number = dialect.parameter(bound)
        cases.append(f"WHEN {dialect.is_number} THEN {dialect.number} {op} {dialect.number_parameter}")
        cases.append(
            f"WHEN {dialect.is_text} AND {dialect.text} {dialect.matches} %s "
            f"THEN {dialect.text_as_number} {op} {dialect.number_parameter}"
        )
        params += [number, NUMBER, number]
    date = _date(bound)
    if date:
        cases.append(
            f"WHEN {dialect.is_text} AND {dialect.text} {dialect.matches} %s THEN {_by_text(dialect, op, date)}"
        )
        params += [_DATE, date]
    elif not numeric:
        cases.append(f"WHEN {dialect.is_text} THEN {_by_text(dialect, op, bound)}")
        params.append(bound)
    return f"CASE {' '.join(cases)} ELSE 1 = 0 END", params


def _by_text(dialect: type[_Dialect], op: str, bound: str) -> str:
    text = f"substr({dialect.text}, 1, {len(bound)})" if op in (">", "<=") else dialect.text
    return f"{text} {op} %s"


def _date(text: str) -> str:
    """Return a date as documents write it; empty for what is none."""
    try:
        return written(text)
    except NotADate:
        return ""


def _joined(word: str, parts: Sequence[_Sql]) -> _Sql:
    if not parts:
        return _FALSE
    return "(" + word.join(sql for sql, _params in parts) + ")", [each for _sql, params in parts for each in params]
