"""The default chunker: as many whole sentences as fit the encoder's window, with some overlap.

A chunk ends at a paragraph's end if one lies in its second half, else at a sentence's end, else between words, and
inside a word only when nothing else is left.
"""

from .base import TokenSpans
from .borders import Border, borders, without_opaque
from .titled_chunker import TitledChunker

CHARS_PER_TOKEN = 16  # a chunk's text is at most this long for each token of its budget


class SentenceChunker(TitledChunker):
    """Packs sentences."""

    name = "sentence"

    def _ranges(self, text: str, budget: int) -> list[tuple[int, int]]:
        """Return the character ranges of the chunks of `text`, each of at most `budget` tokens."""
        spans = without_opaque(self.window.spans(text))
        cuts = borders(text, spans)
        result = []
        first = done = 0
        while first < len(spans):
            last = self._end(spans, cuts, first, budget)
            if last <= done:  # the overlap leaves no room for anything new
                first = done
                last = self._end(spans, cuts, first, budget)
            done = last
            result.append((spans[first][0], spans[last - 1][1]))
            first = len(spans) if last == len(spans) else self._restart(cuts, first, last)
        return result

    def _end(self, spans: TokenSpans, cuts: list[Border], first: int, budget: int) -> int:
        """Return the token index at which the chunk that begins at token `first` ends (exclusive)."""
        limit = min(first + budget, len(spans))
        most_chars = budget * CHARS_PER_TOKEN
        while limit > first + 1 and spans[limit - 1][1] - spans[first][0] > most_chars:
            limit -= 1
        if limit == len(spans):
            return limit
        for wanted in (Border.PARAGRAPH, Border.SENTENCE, Border.WORD):
            earliest = first + max(1, (limit - first) // (2 if wanted > Border.WORD else 8))
            for at in range(limit, earliest - 1, -1):
                if cuts[at] >= wanted:
                    return at
        return limit

    def _restart(self, cuts: list[Border], first: int, last: int) -> int:
        """Return where the next chunk begins: some whole sentences back, or at `last` after a paragraph."""
        if cuts[last] == Border.PARAGRAPH:
            return last
        earliest = last - min(self.overlap_tokens, (last - first) // 2)
        for wanted in (Border.SENTENCE, Border.WORD):
            for at in range(earliest, last):
                if cuts[at] >= wanted:
                    return at
        return last
