"""The lexical index: BM25 over chunk texts and titles, by tantivy.

One writer extends a `work` folder in place; what it has committed is published as a folder of hard links
that nobody changes any more, with a manifest of SHA-256 hashes for the database. Readers open exactly the
publication that the database names, so a crash between two steps leaves the last one whole. No Django here.

Why the fields are what they are: deleting by a number field deletes nothing in tantivy, silently, hence the
chunk's id once as a raw text term (`key`) and once as a fast number for reading hits.
"""

import contextlib
import math
import os
import re
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tantivy

from search.datatypes import Hit
from search.failpoints import failpoint
from search.files import fsync_path, sha256_file

_ANALYZER = "semsearch_en"
_HEAP_BYTES = 32_000_000
_KEEP_SECONDS = 60
_OS_ERROR = re.compile(r"\(os error (28|122|30|5)\)")  # ENOSPC, EDQUOT, EROFS, EIO as tantivy tells of them
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")


class LexicalDamaged(Exception):
    """The lexical index cannot be used as it is on disk; it can be rebuilt from the database."""


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One chunk as the lexical index sees it; its title is indexed with the text too, and once more by itself."""

    chunk_id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A published state: the folder's name below `published`, and the SHA-256 of each of its files."""

    folder: str
    files: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the form that the database keeps."""
        return {"folder": self.folder, "files": dict(self.files)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Publication | None":
        """Return the publication that the database describes, or None for an empty description."""
        return cls(value["folder"], value["files"]) if value else None


def analyzer() -> "tantivy.TextAnalyzer":
    """Return the analyzer of documents and queries: words, lower case, accents folded, English stems."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    filters = (
        tantivy.Filter.remove_long(100),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        tantivy.Filter.stemmer("english"),
    )
    for item in filters:
        builder = builder.filter(item)
    return builder.build()


def _schema() -> "tantivy.Schema":
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("chunk_id", stored=False, indexed=False, fast=True)
    builder.add_text_field("title", stored=False, tokenizer_name=_ANALYZER)
    builder.add_text_field("body", stored=False, tokenizer_name=_ANALYZER)
    return builder.build()


class LexicalWriter:
    """The one writer of a version's lexical index. Use it only while holding the collection's lease."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.published = folder / "published"

    def apply(
        self, *, generation: int, removed: Iterable[int], added: Iterable[LexicalEntry], last: Publication | None
    ) -> Publication:
        """Remove and add chunks, and publish the result; entries that are there already are replaced.

        `last` is the newest publication known to the database: None starts from nothing. Raises LexicalDamaged
        when the work folder cannot be extended, and OSError.
        """
        try:
            self._go_back_to(last)
            self._extend(removed, added)
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if code := _OS_ERROR.search(str(error)):  # a full disk is not a damaged index
                raise OSError(int(code[1]), os.strerror(int(code[1])), str(self.work)) from error
            raise LexicalDamaged(f"The lexical index in {self.work.name} cannot be extended: {error}") from error
        failpoint("lexical.written")
        return self._publish(generation, last)

    def remove_unused(self, *keep: Publication) -> None:
        """Delete publications that no reader can still be about to open; those in `keep` stay."""
        kept = {publication.folder for publication in keep}
        for folder in self.published.iterdir():
            if folder.name not in kept and time.time() - folder.stat().st_mtime > _KEEP_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

    def _go_back_to(self, last: Publication | None) -> None:
        """Make the work folder the state of `last`, which it is unless a writer was killed or files were lost."""
        if last is not None and self._holds(last):
            return
        shutil.rmtree(self.work, ignore_errors=True)
        if last is None:
            return
        self.work.mkdir(parents=True)
        for name in last.files:
            try:
                _link(self.published / last.folder / name, self.work / name)
            except FileNotFoundError as error:
                raise LexicalDamaged(f"Lexical file {last.folder}/{name} is missing.") from error

    def _holds(self, last: Publication) -> bool:
        meta = self.work / "meta.json"
        if not meta.is_file() or sha256_file(meta) != last.files["meta.json"]:
            return False
        return last.files.keys() <= {path.name for path in self.work.iterdir()}

    def _extend(self, removed: Iterable[int], added: Iterable[LexicalEntry]) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        index = tantivy.Index(_schema(), path=str(self.work), reuse=True)
        index.register_tokenizer(_ANALYZER, analyzer())
        writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        for chunk_id in removed:
            writer.delete_documents_by_term("key", str(chunk_id))
        for entry in added:
            writer.delete_documents_by_term("key", str(entry.chunk_id))
            writer.add_document(
                tantivy.Document(
                    key=str(entry.chunk_id),
                    chunk_id=entry.chunk_id,
                    title=entry.title,
                    body=f"{entry.title}\n{entry.text}",
                )
            )
        writer.commit()
        writer.wait_merging_threads()

    def _publish(self, generation: int, last: Publication | None) -> Publication:
        known = last.files if last else {}
        name = f"{generation:012d}-{uuid.uuid4().hex[:8]}"
        scratch = self.published / f".{name}"
        scratch.mkdir(parents=True)
        files = {}
        for path in sorted(self.work.iterdir()):
            if path.name in _LOCKS:
                continue
            _link(path, scratch / path.name)
            mutable = path.name in ("meta.json", ".managed.json")
            files[path.name] = known.get(path.name, "") if not mutable else ""
            files[path.name] = files[path.name] or sha256_file(path)
        fsync_path(scratch)
        scratch.rename(self.published / name)
        fsync_path(self.published)
        failpoint("lexical.published")
        return Publication(name, files)


@dataclass(frozen=True)
class LexicalReader:
    """One publication, verified and open; safe to use from several threads."""

    publication: Publication
    searcher: Any
    schema: Any
    analyzer: Any = field(default_factory=analyzer)

    @property
    def size(self) -> int:
        """How many chunks can be found."""
        return int(self.searcher.num_docs)

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in their order; a word that is said twice counts twice in a query."""
        return list(self.analyzer.analyze(text))

    def search(self, terms: Sequence[str], k: int, *, title_weight: float = 0.3) -> list[Hit]:
        """Return the `k` best chunks that have at least one of the terms, best first."""
        if not terms or k < 1:
            return []
        return self._hits(self._query(terms, title_weight), k)

    def scores(self, terms: Sequence[str], chunk_ids: Sequence[int], *, title_weight: float = 0.3) -> dict[int, float]:
        """Return the BM25 score of those of `chunk_ids` that have at least one of the terms."""
        if not terms or not chunk_ids:
            return {}
        keys = tantivy.Query.term_set_query(self.schema, "key", [str(chunk_id) for chunk_id in chunk_ids])
        restricted = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, tantivy.Query.const_score_query(keys, 0.0)),
                (tantivy.Occur.Must, self._query(terms, title_weight)),
            ]
        )
        return {hit.chunk_id: hit.score for hit in self._hits(restricted, len(chunk_ids))}

    def rarity(self, term: str) -> float:
        """Return the inverse document frequency of a term over the chunks' bodies; higher is rarer."""
        frequency = self.searcher.doc_freq("body", term)
        return math.log(1 + (self.size - frequency + 0.5) / (frequency + 0.5))

    def ids(self) -> list[int]:
        """Return the ids of all chunks that can be found, ascending."""
        if not self.size:
            return []
        return sorted(hit.chunk_id for hit in self._hits(tantivy.Query.all_query(), self.size))

    def ids_between(self, first: int, last: int, most: int) -> list[int]:
        """Return up to `most` ids of chunks that can be found, from `first` to `last`, in no order."""
        between = tantivy.Query.range_query(self.schema, "chunk_id", tantivy.FieldType.Integer, first, last)
        return [hit.chunk_id for hit in self._hits(between, most)]

    def _query(self, terms: Sequence[str], title_weight: float) -> "tantivy.Query":
        clauses = []
        for term, count in Counter(terms).items():
            for field_name, weight in (("body", 1.0), ("title", title_weight)):
                clause = tantivy.Query.term_query(self.schema, field_name, term)
                clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(clause, weight * count)))
        return tantivy.Query.boolean_query(clauses)

    def _hits(self, query: "tantivy.Query", k: int) -> list[Hit]:
        found = self.searcher.search(query, k, count=False).hits
        ids = self.searcher.fast_field_values("chunk_id", [address for _, address in found])
        return [Hit(int(chunk_id), float(score)) for (score, _), chunk_id in zip(found, ids, strict=True)]


def open_publication(folder: Path, publication: Publication, previous: LexicalReader | None = None) -> LexicalReader:
    """Return a reader of a publication below `folder`, after verifying each file that `previous` has not.

    Raises LexicalDamaged when a file is missing or not what the database says.
    """
    place = folder / "published" / publication.folder
    verified = previous.publication.files if previous else {}
    for name, expected in publication.files.items():
        if verified.get(name) == expected and name not in ("meta.json", ".managed.json"):
            continue
        try:
            actual = sha256_file(place / name)
        except OSError as error:
            raise LexicalDamaged(f"Lexical file {publication.folder}/{name}: {error.strerror}.") from error
        if actual != expected:
            raise LexicalDamaged(f"Lexical file {publication.folder}/{name} is damaged.")
    return open_verified(folder, publication)


def open_verified(folder: Path, publication: Publication) -> LexicalReader:
    """Return a reader of a publication whose files the caller has verified. Raises LexicalDamaged."""
    place = folder / "published" / publication.folder
    try:
        index = tantivy.Index.open(str(place))
        index.register_tokenizer(_ANALYZER, analyzer())
        index.config_reader(reload_policy="manual")
        index.reload()
        return LexicalReader(publication, index.searcher(), index.schema)
    except (ValueError, OSError) as error:
        raise LexicalDamaged(f"Lexical index {publication.folder} cannot be opened: {error}") from error


def _link(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where the file system has no links."""
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
