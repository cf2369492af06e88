"""Chunks of a fixed number of tokens, each with the end of the one before it; cuts wherever the count says."""

from .borders import without_opaque
from .titled_chunker import Range, TitledChunker


class TokenChunker(TitledChunker):
    """Counts tokens and nothing else."""

    name = "tokens"

    def _ranges(self, text: str, budget: int) -> list[Range]:
        spans = without_opaque(self.window.spans(text))
        step = max(1, budget - min(self.overlap_tokens, budget // 2))
        result = []
        for first in range(0, len(spans), step):
            last = min(first + budget, len(spans))
            result.append((spans[first][0], spans[last - 1][1]))
            if last == len(spans):
                break
        return result
