"""What a mistyped query was probably meant to say, in words of documents that its asker may see.

The index has the words of every document, hidden ones too; a word that only those have is never proposed.
"""

import re
from typing import TYPE_CHECKING

from search.lexical.did_you_mean import did_you_mean
from search.lexical.lexical_reader import LexicalReader
from search.retrieval.query import Query
from search.retrieval.query_language import parse
from search.retrieval.visible_hits import best_visible

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

_WORD = re.compile(r"\w+")
_LOOKED_AT = 50


def proposal(query: Query, documents: "DocumentQuerySet") -> str:
    """Return the query with its mistyped words corrected, or nothing where that would not help this asker."""
    lexical = query.opened.lexical
    if lexical is None or not query.words.corrected:
        return ""
    proposed = did_you_mean(lexical, query.parsed)
    new = set(_WORD.findall(proposed)) - set(_WORD.findall(query.asked.text))
    return proposed if all(_is_seen(word, lexical, query, documents) for word in new) else ""


def _is_seen(word: str, lexical: LexicalReader, query: Query, documents: "DocumentQuerySet") -> bool:
    hits = lexical.search(lexical.query(parse(word), typos=False), _LOOKED_AT, query.allowed)
    return bool(best_visible(query.opened.version, documents, hits))
