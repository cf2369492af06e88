"""Queries with judgments as people have them at hand: a CSV, a BEIR folder as ZIP, BEIR or TREC queries with qrels.

Which of them a file is, its content says. Of a ZIP only the two files that are needed are unpacked, under names of our
own and up to a size. Stores nothing.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from django.utils.translation import gettext as _

from search.evaluation.datasets import QRELS, BadDataset, is_topics, read_beir, read_csv, read_trec
from search.ingestion.judgments import JudgedQuery

_HEAD_BYTES = 64 << 10
_MOST_UNPACKED = 200 << 20  # of each file
_QUERIES = "queries.jsonl"


def read_uploaded(queries: Path, qrels: Path | None = None) -> list[JudgedQuery]:
    """Return the queries that have judgments. Raises BadDataset, with the file's name and what would do."""
    if zipfile.is_zipfile(queries):
        with _unpacked(queries) as (inner, inner_qrels):
            return _judged(read_beir(inner, qrels or inner_qrels))
    head = _head(queries)
    if head.lstrip("\ufeff \t\r\n").startswith("{"):
        return _judged(read_beir(queries, _needed(queries, qrels)))
    if qrels is None and not is_topics(head):
        return list(read_csv(queries))
    return _judged(read_trec(queries, _needed(queries, qrels)))


def _judged(queries: Iterator[JudgedQuery]) -> list[JudgedQuery]:
    found = [query for query in queries if query.grades and query.text.strip()]
    if not found:
        raise BadDataset(_("No query of it has a judgment. Do the queries and the qrels belong together?"))
    return found


def _needed(queries: Path, qrels: Path | None) -> Path:
    if qrels is None:
        raise BadDataset(_("%(file)s has queries without judgments. Choose their qrels, too.") % {"file": queries.name})
    return qrels


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES).decode("utf-8", "replace")


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, Path]]:
    """Give the queries and the qrels of a BEIR folder that was packed, wherever in the archive it lies."""
    with TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist(), key=len)
        queries = next((name for name in names if PurePosixPath(name).name == _QUERIES), "")
        above = queries.removesuffix(_QUERIES)
        qrels = next((above + name for name in QRELS if above + name in names), "")
        if not queries or not qrels:
            raise BadDataset(
                _("%(file)s is a ZIP without %(queries)s and one of %(qrels)s beside it, as BEIR packs them.")
                % {"file": path.name, "queries": _QUERIES, "qrels": ", ".join(QRELS)}
            )
        yield _copy(archive, queries, Path(folder) / _QUERIES), _copy(archive, qrels, Path(folder) / "qrels.tsv")


def _copy(archive: zipfile.ZipFile, name: str, to: Path) -> Path:
    left = _MOST_UNPACKED
    try:
        with archive.open(name) as packed, to.open("wb") as file:
            while piece := packed.read(1 << 20):
                left -= len(piece)
                if left < 0:
                    raise BadDataset(
                        _("%(name)s has more than %(most)d MB; use the command evaluate_search for it.")
                        % {"name": name[-100:], "most": _MOST_UNPACKED >> 20}
                    )
                file.write(piece)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadDataset(_("%(name)s cannot be unpacked: %(why)s.") % {"name": name[-100:], "why": error}) from error
    return to
