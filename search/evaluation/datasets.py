"""Reads test collections as others publish them: BEIR folders, TREC topics and qrels, CSV. Writes and measures nothing.

Everything is read as UTF-8; a line that cannot be read is named, so that nothing is measured on half a set.
"""

import csv
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from search.ingestion.judgments import JudgedQuery

Qrels = dict[str, dict[str, int]]

QRELS = ("qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv")
_TOPIC = re.compile(r"<top>(.*?)</top>", re.DOTALL | re.IGNORECASE)
_TOPIC_FIELD = r"<{name}>\s*(?:{label}\s*:)?(.*?)(?=<(?:num|title|desc|narr|/)|\Z)"
_CSV_COLUMNS = ("query", "external_id", "grade")


class BadDataset(ValueError):
    """The files cannot be read as a test collection; the message says which and why."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """A document of a test collection."""

    external_id: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class BeirFolder:
    """A test collection in the BEIR layout: corpus.jsonl, queries.jsonl, and qrels in one of the usual places."""

    path: Path

    def documents(self) -> Iterator[SourceText]:
        """Yield the corpus. Raises BadDataset."""
        for row in _json_lines(self.path / "corpus.jsonl", ("_id", "text")):
            yield SourceText(str(row["_id"]), str(row.get("title") or ""), str(row["text"]))

    def queries(self) -> Iterator[JudgedQuery]:
        """Yield every query with its grades, in the file's order. Raises BadDataset."""
        yield from read_beir(self.path / "queries.jsonl", _first_existing(self.path, QRELS))

    def corpus_digest(self) -> str:
        """Return what changes when the corpus does."""
        return _digest(self.path / "corpus.jsonl")

    def queries_digest(self) -> str:
        """Return what changes when queries or judgments do."""
        return _digest(self.path / "queries.jsonl", _first_existing(self.path, QRELS))


def read_beir(queries: Path, qrels: Path) -> Iterator[JudgedQuery]:
    """Yield every query of a BEIR queries.jsonl with its grades, in the file's order. Raises BadDataset."""
    grades = read_qrels(qrels)
    for row in _json_lines(queries, ("_id", "text")):
        yield JudgedQuery(str(row["_id"]), str(row["text"]), grades.get(str(row["_id"]), {}))


def is_topics(text: str) -> bool:
    """Whether a text begins as TREC topics do, in blocks."""
    return "<top>" in text.lower()


def read_trec(topics: Path, qrels: Path) -> Iterator[JudgedQuery]:
    """Yield queries of TREC topics (`<top>` blocks, or `id TAB text` lines) with their qrels. Raises BadDataset."""
    text = _read(topics)
    titles = _topics(text) if _TOPIC.search(text) else _tabbed_topics(topics, text)
    grades = read_qrels(qrels)
    for query_id, title in titles:
        yield JudgedQuery(query_id, title, grades.get(query_id, {}))


def read_csv(path: Path) -> Iterator[JudgedQuery]:
    """Yield queries of a CSV with the columns query, external_id, grade, and query_id if there is one.

    Without a query_id a query is called by its own text. Raises BadDataset.
    """
    queries: dict[str, JudgedQuery] = {}
    grades: Qrels = {}
    rows = csv.DictReader(_read(path).removeprefix("\ufeff").splitlines())
    missing = [name for name in _CSV_COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise BadDataset(
            _("%(file)s lacks the column %(missing)s; it needs %(needed)s, and may have query_id.")
            % {"file": path.name, "missing": missing[0], "needed": ", ".join(_CSV_COLUMNS)}
        )
    for row in rows:
        text = (row["query"] or "").strip()
        query_id = (row.get("query_id") or "").strip() or text[:500]
        judged = grades.setdefault(query_id, {})
        queries.setdefault(query_id, JudgedQuery(query_id, text, judged))
        if row["external_id"]:
            judged[row["external_id"]] = _grade(path, rows.line_num, row["grade"] or "")
    yield from queries.values()


def read_qrels(path: Path) -> Qrels:
    """Return query id → document id → grade of qrels: TREC's four columns, or BEIR's three with their names above.

    Grades below 0, as TREC uses them for rubbish, are 0. Raises BadDataset.
    """
    found: Qrels = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        columns = line.split("\t") if "\t" in line else line.split()
        if not columns or (number == 1 and not _is_number(columns[-1])):
            continue
        if len(columns) not in (3, 4):
            raise BadDataset(
                _("Line %(line)d of %(file)s has %(count)d columns; qrels have query, iteration, document, grade.")
                % {"line": number, "file": path.name, "count": len(columns)}
            )
        query_id, document, grade = columns[0], columns[-2], columns[-1]
        found.setdefault(query_id.strip(), {})[document.strip()] = _grade(path, number, grade)
    return found


def _grade(path: Path, line: int, value: str) -> int:
    if not _is_number(value):
        raise BadDataset(
            _("Line %(line)d of %(file)s: the grade is %(grade)r; it must be a whole number.")
            % {"line": line, "file": path.name, "grade": value}
        )
    return max(0, int(float(value)))


def _is_number(value: str) -> bool:
    return re.fullmatch(r"\s*-?\d+(\.0+)?\s*", value) is not None


def _topics(text: str) -> Iterator[tuple[str, str]]:
    for block in _TOPIC.findall(text):
        number, title, description = (
            _topic_field(block, name, label)
            for name, label in (("num", "Number"), ("title", "Topic"), ("desc", "Description"))
        )
        yield number, title or description


def _topic_field(block: str, name: str, label: str) -> str:
    found = re.search(_TOPIC_FIELD.format(name=name, label=label), block, re.DOTALL | re.IGNORECASE)
    return " ".join(html.unescape(found[1]).split()) if found else ""


def _tabbed_topics(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        query_id, tab, title = line.partition("\t")
        if not line.strip():
            continue
        if not tab:
            raise BadDataset(
                _("Line %(line)d of %(file)s is neither a <top> block nor an id, a tab and a query.")
                % {"line": number, "file": path.name}
            )
        yield query_id.strip(), title.strip()


def _json_lines(path: Path, needed: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _json_row(path, number, line, needed)
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(_("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error}) from error


def _json_row(path: Path, number: int, line: str, needed: Iterable[str]) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadDataset(
            _("Line %(line)d of %(file)s is no JSON: %(reason)s.")
            % {"line": number, "file": path.name, "reason": error}
        ) from error
    missing = [name for name in needed if not isinstance(row, dict) or name not in row]
    if missing:
        raise BadDataset(
            _("Line %(line)d of %(file)s lacks %(field)r.") % {"line": number, "file": path.name, "field": missing[0]}
        )
    return row  # type: ignore[no-any-return]


def _first_existing(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise BadDataset(
        _("%(folder)s has no judgments; looked for: %(names)s.") % {"folder": folder, "names": ", ".join(names)}
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(_("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error}) from error


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
        except OSError as error:
            raise BadDataset(_("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error}) from error
    return digest.hexdigest()
