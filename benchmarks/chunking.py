"""How well chunks hold what answers a question: gold spans against the chunks found, for each chunker.

    python benchmarks/chunking.py DATASET [--top 5] [--only sentence heading]

DATASET has documents/<name>.txt, queries.jsonl ({"_id", "text"}) and references.jsonl ({"query", "doc", "start",
"end"}: the character spans that answer a query). Each text is cut by each chunker, the chunks are ranked for each
query by the default encoder alone, and the first `--top` are compared with the gold spans, token by token, as in Smith
and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma, 2024): of the gold tokens t_e and the retrieved
ones t_r (a token in two chunks counts twice), recall is |t_e ∩ t_r| / |t_e|, precision |t_e ∩ t_r| / |t_r| and IoU
|t_e ∩ t_r| / (|t_e| + |t_r| - |t_e ∩ t_r|); means over the queries, in percent.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from search.datatypes import TextChunk

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

RUNS: list[dict[str, Any]] = [
    {"chunker": "sentence"},
    {"chunker": "heading"},
    {"chunker": "tokens"},
    {"chunker": "whole"},
    {"chunker": "sentence", "overlap_tokens": 0},
    {"chunker": "sentence", "max_tokens": 128, "overlap_tokens": 0},
    {"chunker": "sentence", "max_tokens": 64, "overlap_tokens": 0},
]


def main() -> None:
    """Cut, encode, rank and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="chunkers to run; default: all")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.dev")
    import django

    django.setup()
    evaluation = Evaluation(arguments.dataset, arguments.top)
    print(f"{'chunking':<58} {'chunks':>7} {'tokens':>7} {'recall':>7} {'precision':>9} {'IoU':>6}")
    for options in RUNS:
        if not arguments.only or options["chunker"] in arguments.only:
            evaluation.report(options)


class Evaluation:
    """The texts, the questions, and what has been encoded so far."""

    def __init__(self, dataset: Path, top: int) -> None:
        from search import registry

        self.top = top
        self.encoder = registry.encoder("")
        self.texts = {path.stem: path.read_text() for path in sorted((dataset / "documents").glob("*.txt"))}
        self.tokens = {name: np.array(self.encoder.token_spans(text)) for name, text in self.texts.items()}
        self.gold: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        for row in rows(dataset / "references.jsonl"):
            self.gold[row["query"]].append((row["doc"], row["start"], row["end"]))
        asked = {row["_id"]: row["text"] for row in rows(dataset / "queries.jsonl")}
        self.queries = [query for query in asked if query in self.gold]
        self.asked = np.stack([self.encoder.encode_query(asked[query]) for query in self.queries])
        self.known: dict[str, np.ndarray] = {}

    def report(self, options: dict[str, Any]) -> None:
        """Print one line of figures."""
        from search import registry

        begun = time.perf_counter()
        chunker = registry.chunker_for(self.encoder, options)
        chunks = [(name, chunk) for name, text in self.texts.items() for chunk in chunker.split("", text)]
        self.encode({chunk.text_hash: chunk.encoded_text for _, chunk in chunks})
        vectors = np.stack([self.known[chunk.text_hash] for _, chunk in chunks])
        nearest = np.argsort(-(self.asked @ vectors.T), axis=1)[:, : self.top]
        figures = [
            self.figures(query, [chunks[at] for at in row]) for query, row in zip(self.queries, nearest, strict=True)
        ]
        recall, precision, iou = 100 * np.mean(figures, axis=0)
        size = np.mean([chunk.tokens for _, chunk in chunks])
        print(
            f"{json.dumps(options):<58} {len(chunks):>7,} {size:>7.0f} {recall:>7.1f} {precision:>9.2f} {iou:>6.2f}"
            f"   ({time.perf_counter() - begun:,.0f} s)",
            flush=True,
        )

    def encode(self, texts: dict[str, str]) -> None:
        """Encode the texts that no earlier chunker made."""
        missing = sorted((key for key in texts if key not in self.known), key=lambda key: len(texts[key]))
        for at in range(0, len(missing), 256):
            keys = missing[at : at + 256]
            self.known |= zip(keys, self.encoder.encode_documents([texts[key] for key in keys]), strict=True)

    def figures(self, query: str, found: "list[tuple[str, TextChunk]]") -> tuple[float, float, float]:
        """Return recall, precision and IoU of one query."""
        gold = {name: np.zeros(len(spans), dtype=bool) for name, spans in self.tokens.items()}
        for name, start, end in self.gold[query]:
            gold[name] |= self.within(name, start, end)
        retrieved = {name: np.zeros(len(spans), dtype=int) for name, spans in self.tokens.items()}
        for name, chunk in found:
            retrieved[name] += self.within(name, chunk.start, chunk.end)
        wanted = sum(int(mask.sum()) for mask in gold.values())
        given = sum(int(counts.sum()) for counts in retrieved.values())
        both = sum(int((gold[name] & (retrieved[name] > 0)).sum()) for name in gold)
        return both / wanted, both / given if given else 0.0, both / (wanted + given - both)

    def within(self, name: str, start: int, end: int) -> np.ndarray:
        """Return which tokens of a text lie in a range of characters, at least in part."""
        spans = self.tokens[name]
        return (spans[:, 1] > start) & (spans[:, 0] < end)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSONL file."""
    with path.open() as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
