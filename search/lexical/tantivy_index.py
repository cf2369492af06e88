"""The lexical index: BM25 over chunk texts and titles, by tantivy.

One writer extends a `work` folder in place; what it has committed is published as a folder of hard links
that nobody changes any more, with a manifest of SHA-256 hashes for the database. Readers open exactly the
publication that the database names, so a crash between two steps leaves the last one whole. No Django here.

Why the fields are what they are: deleting by a number field deletes nothing in tantivy, silently, hence the
chunk's id once as a raw text term (`key`) and once as a fast number for reading hits. `text` is what counts for the
score, title and body together, every word of it several times over (see `analysis.BODY_TIMES`); `title` and `body` have
positions for phrases, and a title counts once more. These three get their terms ready made; `words` has what is
written, for corrections and completions.
"""

import contextlib
import os
import re
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import tantivy

from search.failpoints import failpoint
from search.files import fsync_path, sha256_file
from search.lexical.analysis import BODY_TIMES, RECIPE, TITLE_TIMES, document_terms, language_of
from search.lexical.lexical_reader import LexicalReader
from search.lexical.publication import LexicalDamaged, Publication

__all__ = [
    "LexicalDamaged",
    "LexicalEntry",
    "LexicalReader",
    "LexicalWriter",
    "Publication",
    "open_publication",
    "open_verified",
]

_HEAP_BYTES = 32_000_000
_KEEP_SECONDS = 60
_FIRST_LANGUAGE = "en"  # of an index that has no text yet whose language is known
_OS_ERROR = re.compile(r"\(os error (28|122|30|5)\)")  # ENOSPC, EDQUOT, EROFS, EIO as tantivy tells of them
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One chunk as the lexical index sees it.

    `language` is the code of the language that it is written in, or empty, which means: as most others are.
    """

    chunk_id: int
    title: str
    text: str
    language: str = ""
    document_id: int = 0


def _schema() -> "tantivy.Schema":
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("chunk_id", stored=False, indexed=False, fast=True)
    builder.add_integer_field("document_id", stored=False, indexed=False, fast=True)
    builder.add_text_field("language", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name="raw", index_option="freq")
    builder.add_text_field("title", stored=False, tokenizer_name="raw")
    builder.add_text_field("body", stored=False, tokenizer_name="raw")
    builder.add_text_field("words", stored=False, tokenizer_name="raw", index_option="basic")
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
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # what tantivy raises for some damaged files; it has no module
                raise
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
        if last is not None and last.recipe != RECIPE:
            raise LexicalDamaged(f"The lexical index {last.folder} was made by another analysis of words.")
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
        languages = Counter(dict(index.searcher().terms_with_prefix("language", "")))
        writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        for chunk_id in removed:
            writer.delete_documents_by_term("key", str(chunk_id))
        for entry in added:
            writer.delete_documents_by_term("key", str(entry.chunk_id))
            if known := language_of(entry.language):
                languages[known] += 1
            writer.add_document(_document(entry, known, known or _main_language(languages)))
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
        return Publication(name, files, RECIPE)


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
    if publication.recipe != RECIPE:
        raise LexicalDamaged(f"The lexical index {publication.folder} was made by another analysis of words.")
    place = folder / "published" / publication.folder
    try:
        index = tantivy.Index.open(str(place))
        index.config_reader(reload_policy="manual")
        index.reload()
        return LexicalReader(publication, index.searcher(), index.schema)
    except (ValueError, OSError) as error:
        raise LexicalDamaged(f"Lexical index {publication.folder} cannot be opened: {error}") from error


def _document(entry: LexicalEntry, known: str, language: str) -> "tantivy.Document":
    title, words = document_terms(entry.title, language)
    body, more = document_terms(entry.text, language)
    document = tantivy.Document(
        key=str(entry.chunk_id),
        chunk_id=entry.chunk_id,
        document_id=entry.document_id or entry.chunk_id,
        language=[known] if known else [],  # what was only assumed is no evidence for the next assumption
        words=sorted(words | more),
    )
    title_tokens, body_tokens = ([tantivy.Token(each, at, 0, 0) for at, each in terms] for terms in (title, body))
    both = title_tokens * TITLE_TIMES + body_tokens * BODY_TIMES
    for name, tokens in (("title", title_tokens), ("body", body_tokens), ("text", both)):
        document.add_pre_tokenized_text(name, tantivy.PreTokenizedString("", tokens))
    return document


def _main_language(languages: "Counter[str]") -> str:
    return languages.most_common(1)[0][0] if languages else _FIRST_LANGUAGE


def _link(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where the file system has no links."""
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
