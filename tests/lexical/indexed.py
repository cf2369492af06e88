"""A lexical index of a few texts in memory of the tests: given as id → text, or id → (title, text, language)."""

from collections.abc import Mapping
from pathlib import Path

from search.lexical.lexical_reader import LexicalReader
from search.lexical.tantivy_index import LexicalEntry, LexicalWriter, open_publication
from search.retrieval.query_language import parse


def indexed(folder: Path, texts: Mapping[int, str | tuple[str, str, str]], documents: int = 1) -> LexicalReader:
    """Return a reader of these chunks; `documents` chunks in a row belong to one document."""
    entries = []
    for pk, given in texts.items():
        title, text, language = ("", given, "en") if isinstance(given, str) else given
        entries.append(LexicalEntry(pk, title, text, language, (pk - 1) // documents + 1))
    published = LexicalWriter(folder).apply(generation=1, removed=(), added=entries, last=None)
    return open_publication(folder, published)


def found(reader: LexicalReader, query: str, *, typos: bool = True, prefix_last: bool = False) -> list[int]:
    """Return the ids that a query finds among those that it permits, best first."""
    words = reader.query(parse(query), typos=typos, prefix_last=prefix_last)
    return [hit.chunk_id for hit in reader.search(words, 10, reader.permitted(words))]
