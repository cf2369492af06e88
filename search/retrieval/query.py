"""One search on its way: what was asked, and what each stage has found out so far. The stages have the behaviour."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from search.datatypes import Ids, Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.lexical.lexical_query import LexicalQuery
from search.retrieval.curation.rules import Effect
from search.retrieval.filtering.filters import Filters
from search.retrieval.legs import Candidates, add_cosines
from search.retrieval.open_index import OpenVersion
from search.retrieval.query_language import ParsedQuery
from search.retrieval.query_words import QueryWords, english_terms
from search.retrieval.visible_hits import VisibleHit
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants of one search."""

    text: str
    mode: str = "hybrid"
    k: int = 10
    user: "AbstractBaseUser | AnonymousUser | None" = None
    filters: Filters = field(default_factory=Filters)
    sort: str = "relevance"
    weak: bool = False  # in another order than by relevance, also what is hardly an answer
    cursor: str = ""  # of the page before
    facets: Sequence[str] | None = None  # of these fields; of none: of those that tell the documents apart


@dataclass(frozen=True, slots=True)
class Reranked:
    """What a reranker made of a document: its score there, and its place among the documents before and after."""

    by: str
    score: float
    rank_before: int
    rank_after: int


@dataclass
class Query:
    """A question and what it has become."""

    asked: Asked
    opened: OpenVersion
    options: RetrievalOptions
    parsed: ParsedQuery
    filters: Filters  # what was asked for beside the query, and in it
    words: LexicalQuery = field(default_factory=LexicalQuery)
    foreign: bool = False  # in another language than what is searched
    terms: tuple[str, ...] = ()  # worth marking in what is shown
    allowed: Ids | None = None  # the chunks that may take part, ascending; None for all
    encoding: "Future[Vectors] | None" = None  # the query's vector, being made
    encode_milliseconds: float = 0.0  # that the search had to wait for it
    dense: Candidates = field(default_factory=Candidates)
    lexical: Candidates = field(default_factory=Candidates)
    found: list[VisibleHit] = field(default_factory=list)  # documents in their order, each by its best chunk
    named: frozenset[int] = frozenset()  # documents whose id or title the query is
    answered: bool | None = None  # what the first page said of a good match
    left_out: int = 0  # weak matches that are not put in order
    has_answers: bool = True  # among what is put in another order
    complete: bool = False  # no more documents are to be found than were
    offset: int = 0  # how many results the pages before had
    reranked: dict[int, Reranked] = field(default_factory=dict)  # by document
    effects: tuple[Effect, ...] = ()
    degraded: list[str] = field(default_factory=list)

    @cached_property
    def vector(self) -> Vectors | None:
        """The query's vector, waited for where it is not there yet; None where meaning takes no part."""
        if self.encoding is None:
            return None
        begun = time.perf_counter()
        try:
            return self.encoding.result()
        except (EncoderUnavailable, EncodingFailed) as error:
            logger.error("A query was answered without its meaning: %s", error)
            self.degraded.append(_("Search by meaning is off: the encoder of this index version cannot be used."))
            return None
        finally:
            self.encode_milliseconds = (time.perf_counter() - begun) * 1_000

    @property
    def leaves_out_weak(self) -> bool:
        """True when only documents that may be answers are put in order."""
        return self.asked.sort != "relevance" and not self.asked.weak

    @property
    def use_dense(self) -> bool:
        """True when meaning is to take part."""
        return self.asked.mode in ("hybrid", "dense")

    @property
    def use_lexical(self) -> bool:
        """True when words are to take part."""
        return self.asked.mode in ("hybrid", "lexical")

    @property
    def exhausted(self) -> bool:
        """True when neither leg has more candidates to offer."""
        return self.dense.exhausted and self.lexical.exhausted

    @property
    def identity(self) -> tuple[object, ...]:
        """What a page must have in common with the page that it follows."""
        asked = self.asked
        who = asked.user.pk if asked.user is not None and asked.user.is_authenticated else None
        return (
            self.opened.version.collection_id,
            asked.text,
            asked.mode,
            self.filters.key,
            asked.sort,
            asked.weak,
            who,
        )

    @cached_property
    def matching(self) -> QueryWords:
        """What finds the query's terms in the texts that are shown."""
        lexical = self.opened.lexical
        ways = [way for word in self.words.words for way in word.alternatives]
        terms = {term for way in ways for _, term in way.terms}
        return QueryWords(terms.union(self.terms), lexical.analyze if lexical is not None else english_terms)

    @cached_property
    def weighed_words(self) -> list[tuple[float, list[tuple[str, float]]]]:
        """The telling words, each with its weight (the rarer, the heavier) and the terms that stand for it."""
        lexical, result = self.opened.lexical, []
        for word in [each for each in self.words.words if each.telling] or self.words.words:
            ways = [(way.terms[0][1], way.weight) for way in word.alternatives if len(way.terms) == 1]
            if ways and lexical is not None:  # and not two words that should stand together
                rarity = max(lexical.rarity(term) for term, worth in ways if worth == ways[0][1])
                result.append((word.weight * rarity, ways))
        return result

    def near(self, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Return the cosines of chunks that the dense index holds; none where meaning does not take part."""
        if self.vector is None or self.opened.dense is None or not chunk_ids:
            return {}
        scored = Candidates()
        add_cosines(scored, self.opened.dense, self.vector, chunk_ids)
        return scored.scores
