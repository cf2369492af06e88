"""Searching one publication of the lexical index. Reads only what was opened; knows neither files nor Django."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import tantivy

from search.datatypes import Hit, Ids
from search.lexical import spelling
from search.lexical.analysis import BODY_TIMES, fold, forms, pieces, query_terms
from search.lexical.foreign import is_foreign
from search.lexical.lexical_query import Alternative, Asked, LexicalQuery, QueryPhrase, QueryWord, Text, build
from search.lexical.neighbours import neighbours
from search.lexical.publication import Publication

_SCORED = ("text", "title")  # the text is title and body
_PHRASED = ("title", "body")
_LANGUAGES = 3
_LEAST_SHARE = 0.005  # of a language that queries are read in
_FEW = 20_000  # allowed ids that are cheaper named to tantivy than sieved from what it finds
_COMPLETIONS = 12
_RARE = 2  # chunks that have a word; more, and it is believed
_TIMES_RARER = 100  # than a word that it is then taken for
_TELLING_CHUNKS = 1_000


@dataclass(frozen=True, slots=True)
class TermScore:
    """What one term of a query adds to the score of a chunk; `frequency` is how often the field has it.

    `field` is "text", which is the body and, each word of it as two, the title; or "title", which counts once more.
    """

    term: str
    field: str
    frequency: int
    idf: float
    score: float


@dataclass(frozen=True)
class LexicalReader:
    """One publication, verified and open; safe to use from several threads."""

    publication: Publication
    searcher: Any
    schema: Any

    @property
    def size(self) -> int:
        """How many chunks can be found."""
        return int(self.searcher.num_docs)

    def is_foreign(self, text: str) -> bool:
        """Tell whether a query is in none of the languages of the index, as far as those are known."""
        return is_foreign(text, self._written_in)

    @cached_property
    def _written_in(self) -> tuple[str, ...]:
        """Return the languages of the index, or none where those of most texts are not known."""
        known = 2 * sum(count for _, count in self._languages) >= self.size
        return self._common_languages if known else ()

    @cached_property
    def _common_languages(self) -> tuple[str, ...]:
        return tuple(code for code, count in self._languages if count >= _LEAST_SHARE * self.size)

    @cached_property
    def _languages(self) -> list[tuple[str, int]]:
        """How many chunks are in each language, most common first."""
        return sorted(self.searcher.terms_with_prefix("language", ""), key=lambda row: (-row[1], row[0]))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The most common languages of the index, most common first."""
        return self._common_languages[:_LANGUAGES] or ("en",)

    # --- What an index knows of words

    def terms(self, text: str) -> list[str]:
        """Return the terms that a document in the index's main language has for a text, in their order."""
        return [term for piece in pieces(text) for term in forms(piece.surface, self.languages[0])[:1]]

    def analyze(self, word: str) -> list[str]:
        """Return every term by which a query might find a word, in whichever language it stands."""
        return list(query_terms(word, self.languages))

    def frequency(self, term: str) -> int:
        """Return how many chunks have a term."""
        return int(self.searcher.doc_freq("text", term))

    def rarity(self, term: str) -> float:
        """Return the inverse document frequency of a term over the chunks' texts; higher is rarer."""
        frequency = self.frequency(term)
        return math.log(1 + (self.size - frequency + 0.5) / (frequency + 0.5))

    def corrections(self, surface: str) -> list[tuple[str, float]]:
        """Return words of the index that are written nearly like one that it hardly has, best first, with their worth.

        A word that is there, however rarely, has none unless others are very much more frequent.
        """
        there = max(
            (self.frequency(term) for language in self.languages for term in forms(surface, language)), default=0
        )
        if there > _RARE or (there and self.size < _TELLING_CHUNKS):
            return []
        least = _TIMES_RARER * there if there else 1
        return spelling.corrections(fold(surface), self._written, self._beginning, least)

    def completions(self, prefix: str) -> list[str]:
        """Return the most frequent words of the index that begin so."""
        return [word for word, _ in self._beginning(fold(prefix), _COMPLETIONS)]

    def _written(self, word: str) -> int:
        return int(self.searcher.doc_freq("words", word))

    def _beginning(self, prefix: str, most: int) -> list[tuple[str, int]]:
        return list(self.searcher.terms_with_prefix("words", prefix, limit=most)) if prefix else []

    # --- Queries

    def query(
        self,
        asked: Asked,
        *,
        synonyms: Mapping[str, Sequence[str]] | None = None,
        title_weight: float = 0.1,
        typos: bool = True,
        prefix_last: bool = False,
    ) -> LexicalQuery:
        """Return a parsed query as this index understands it; `synonyms`: words as people write them → others."""
        read = build(asked, self, synonyms=synonyms, title_weight=title_weight, typos=typos, prefix_last=prefix_last)
        return replace(read, words=(*read.words, *neighbours(asked.words, self)))

    def query_of(self, text: str) -> LexicalQuery:
        """Return the query for a text as it is: no operators, no corrections."""
        return self.query(Text((text,)), typos=False)

    def search(self, query: LexicalQuery, k: int, allowed: Ids | None = None) -> list[Hit]:
        """Return the `k` best chunks, best first; with `allowed`, an ascending array, the best of those."""
        wanted = self._whole(query)
        if wanted is None or k < 1:
            return []
        if allowed is None:
            return self._hits(wanted, k)
        if len(allowed) <= _FEW:
            return self._hits(self._among(wanted, allowed.tolist()), k)
        return self._sieved(wanted, k, allowed)

    def scores(self, query: LexicalQuery, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Return the BM25 score of those of `chunk_ids` that the query finds."""
        wanted = self._whole(query)
        if wanted is None or not chunk_ids:
            return {}
        return {hit.chunk_id: hit.score for hit in self._hits(self._among(wanted, chunk_ids), len(chunk_ids))}

    def permitted(self, query: LexicalQuery) -> Ids | None:
        """Return, ascending, the chunks that have all phrases, of documents that have nothing excluded; None for all.

        What a document has in one of its chunks excludes the others, too.
        """
        if not query.phrases and not query.excluded:
            return None
        ids, documents = self._everything
        keep = np.ones(len(ids), bool)
        if query.excluded:
            unwanted = tantivy.Query.boolean_query(
                [(tantivy.Occur.Should, self._phrase(each)) for each in query.excluded]
            )
            keep &= ~np.isin(documents, documents[np.isin(ids, self._ids_of(unwanted))])
        if query.phrases:
            required = tantivy.Query.boolean_query([(tantivy.Occur.Must, self._phrase(each)) for each in query.phrases])
            keep &= np.isin(ids, self._ids_of(required))
        return ids[keep]

    def explain(self, query: LexicalQuery, chunk_id: int) -> tuple[TermScore, ...]:
        """Return what each term adds to a chunk's score, most first; of a word's alternatives the best."""
        result = []
        for word in query.words:
            for field, weight in zip(_SCORED, (1.0, query.title_weight), strict=True):
                scored = [self._explained(each, field, chunk_id, word.weight * weight) for each in word.alternatives]
                found = [each for each in scored if each is not None]
                if found:
                    result.append(max(found, key=lambda each: each.score))
        return tuple(sorted(result, key=lambda each: -each.score))

    # --- Ids

    def ids(self) -> list[int]:
        """Return the ids of all chunks that can be found, ascending."""
        return [int(pk) for pk in self._everything[0]]

    def ids_between(self, first: int, last: int, most: int) -> list[int]:
        """Return up to `most` ids of chunks that can be found, from `first` to `last`, in no order."""
        between = tantivy.Query.range_query(self.schema, "chunk_id", tantivy.FieldType.Integer, first, last)
        return [hit.chunk_id for hit in self._hits(between, most)]

    @cached_property
    def _everything(self) -> tuple[Ids, Ids]:
        """The ids of all chunks, ascending, and of the document of each."""
        if not self.size:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        found = self.searcher.search(tantivy.Query.all_query(), self.size, count=False).hits
        addresses = [address for _, address in found]
        ids = np.array(self.searcher.fast_field_values("chunk_id", addresses), np.int64)
        documents = np.array(self.searcher.fast_field_values("document_id", addresses), np.int64)
        order = np.argsort(ids)
        return ids[order], documents[order]

    def _ids_of(self, query: "tantivy.Query") -> Ids:
        hits = self._hits(tantivy.Query.const_score_query(query, 1.0), max(1, self.size))
        return np.array([hit.chunk_id for hit in hits], np.int64)

    # --- Queries as tantivy has them

    def _whole(self, query: LexicalQuery) -> "tantivy.Query | None":
        """Return all of a query, or None when there is no word to be found."""
        if not query.words:
            return None
        words = [
            (tantivy.Occur.Should, self._word(word, field, weight))
            for word in query.words
            for field, weight in zip(_SCORED, (1.0, query.title_weight), strict=True)
            if weight
        ]
        clauses = [(tantivy.Occur.Must, tantivy.Query.boolean_query(words))]
        required = [tantivy.Query.const_score_query(self._phrase(phrase), 0.0) for phrase in query.phrases]
        clauses += [(tantivy.Occur.Must, each) for each in required]
        clauses += [(tantivy.Occur.MustNot, self._phrase(phrase)) for phrase in query.excluded]
        return tantivy.Query.boolean_query(clauses) if len(clauses) > 1 else clauses[0][1]

    def _word(self, word: QueryWord, field: str, weight: float) -> "tantivy.Query":
        alternatives = [
            tantivy.Query.boost_query(self._alternative(each, field), each.weight * word.weight * weight)
            for each in word.alternatives
        ]
        return alternatives[0] if len(alternatives) == 1 else tantivy.Query.disjunction_max_query(alternatives)

    def _phrase(self, phrase: QueryPhrase) -> "tantivy.Query":
        fields = (phrase.field,) if phrase.field else _PHRASED
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._alternative(each, field)) for each in phrase.alternatives for field in fields]
        )

    def _alternative(self, alternative: Alternative, field: str) -> "tantivy.Query":
        terms = alternative.terms
        if len(terms) == 1:
            return tantivy.Query.term_query(self.schema, field, terms[0][1])
        first = terms[0][0]
        placed = "title" if field == "title" else "body"  # the text has no positions
        return tantivy.Query.phrase_query(self.schema, placed, [(at - first, term) for at, term in terms])

    def _among(self, query: "tantivy.Query", chunk_ids: Sequence[int]) -> "tantivy.Query":
        keys = tantivy.Query.term_set_query(self.schema, "key", [str(chunk_id) for chunk_id in chunk_ids])
        sieve = tantivy.Query.const_score_query(keys, 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, sieve), (tantivy.Occur.Must, query)])

    def _sieved(self, query: "tantivy.Query", k: int, allowed: Ids) -> list[Hit]:
        """Return the best of many allowed chunks: sieve as many as should leave `k`, then more, then name them all."""
        expected = int(1.5 * k * self.size / len(allowed)) + k
        for asked in (expected, 8 * expected):
            hits = self._hits(query, min(asked, max(1, self.size)))
            ids = np.array([hit.chunk_id for hit in hits], np.int64)
            at = np.minimum(np.searchsorted(allowed, ids), len(allowed) - 1)
            found = [hit for hit, there in zip(hits, allowed[at] == ids, strict=True) if there]
            if len(found) >= k or len(hits) < asked:
                return found[:k]
        return self._hits(self._among(query, allowed.tolist()), k)

    def _hits(self, query: "tantivy.Query", k: int) -> list[Hit]:
        found = self.searcher.search(query, k, count=False).hits
        ids = self.searcher.fast_field_values("chunk_id", [address for _, address in found])
        return [Hit(chunk_id, score) for (score, _), chunk_id in zip(found, ids, strict=True)]

    def _explained(self, alternative: Alternative, field: str, chunk_id: int, weight: float) -> TermScore | None:
        query = self._alternative(alternative, field)
        found = self.searcher.search(self._among(query, [chunk_id]), 1, count=False).hits
        if not found:
            return None
        score, address = found[0]
        told = json.loads(query.explain(self.searcher, address).to_json())
        text = " ".join(term for _, term in alternative.terms)
        idf = sum(self.rarity(term) for _, term in alternative.terms)
        times = BODY_TIMES if field == "text" and len(alternative.terms) == 1 else 1
        return TermScore(text, field, _frequency(told) // times, idf, score * alternative.weight * weight)


def _frequency(told: Mapping[str, Any]) -> int:
    """Return the number of occurrences that tantivy's explanation speaks of."""
    if str(told.get("description", "")).startswith("freq, occurrences"):
        return int(told["value"])
    return max((_frequency(each) for each in told.get("details", ())), default=0)
