"""How fast each runtime encodes, and what it does to the answers, beside `SentenceTransformer.encode` as it comes.

    python benchmarks/encoding.py COLLECTION [COLLECTION …] [--limit 2000] [--rounds 3] [--threads 2] [--json FILE]
        [--runtimes openvino-bf16 openvino torch]

Each COLLECTION is a folder in the BEIR layout. All runtimes encode the same texts with the same threads and take turns,
because a machine that others use is not equally fast from minute to minute; a text is a document's title and text, cut
at the model's window. Texts come in slices of 256, as the worker encodes them. One query is timed on the collections'
own queries. nDCG@10 is that of exact search by meaning alone over all documents (--limit counts for the speed only).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SLICE = 256
QUERIES = 200
PLAIN = "SentenceTransformer.encode"


@dataclass(frozen=True, slots=True)
class Runtime:
    """One way to encode: documents in slices, and one query."""

    name: str
    documents: Callable[[Sequence[str]], Any]
    query: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """What one runtime gave; the ratios are to PLAIN, each within its own round."""

    runtime: str
    tokens_per_second: float
    times_plain: float
    query_ms: float
    query_share_of_plain: float
    ndcg: dict[str, float]


def main() -> None:
    """Measure, print, and keep as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collections", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=2_000, help="documents to time, of all collections in turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="all cores if not given")
    parser.add_argument(
        "--runtimes", nargs="+", default=[], help="those beside it; all that the machine has if not given"
    )
    parser.add_argument("--models", type=Path, help="where converted models are kept; a temporary folder if not given")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory(prefix="semsearch-encoding-") as folder:
        os.environ |= {"SEMSEARCH_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev"}
        import django

        django.setup()
        rows = measure(options, options.models or Path(folder))
    tell(rows, [path.name for path in options.collections])
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")


def runtimes(models: Path, wanted: Sequence[str]) -> Iterator[Runtime]:
    """Yield PLAIN, then every runtime that this machine has, or those that are wanted."""
    from search.embedding.openvino_model import has_bf16
    from search.embedding.openvino_runtime import OpenVinoBf16Encoder, OpenVinoEncoder
    from search.embedding.sentence_transformer import SentenceTransformerEncoder

    torch = SentenceTransformerEncoder(name="")
    model: Any = torch._loaded()
    yield Runtime(PLAIN, lambda texts: model.encode(texts, show_progress_bar=False), model.encode)
    for name, encoder in (
        ("torch", torch),
        ("openvino", OpenVinoEncoder(name="", cache_dir=models)),
        ("openvino-bf16", OpenVinoBf16Encoder(name="", cache_dir=models)),
    ):
        if (not wanted or name in wanted) and (name != "openvino-bf16" or has_bf16()):
            yield Runtime(name, encoder.encode_documents, encoder.encode_query)


def measure(options: argparse.Namespace, models: Path) -> list[Row]:
    """Return a row for each runtime."""
    from search.embedding.sentence_transformer import SentenceTransformerEncoder
    from search.embedding.tokenizer_files import truncating_tokenizer
    from search.evaluation.datasets import BeirFolder

    folders = [BeirFolder(path) for path in options.collections]
    per_folder = -(-options.limit // len(folders))
    texts = [text for folder in folders for text in islice(texts_of(folder), per_folder)]
    queries = [query.text for folder in folders for query in islice(folder.queries(), QUERIES // len(folders))]
    tokenizer: Any = truncating_tokenizer(SentenceTransformerEncoder(name="").folder)
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts))
    print(f"{len(texts):,} texts, {tokens:,} tokens, {options.threads or 'all'} threads", flush=True)

    ways = list(runtimes(models, options.runtimes))
    for way in ways:  # whatever the first encoding costs is paid here
        way.documents(texts[:SLICE])
        way.query("a query")
    taken: dict[str, list[float]] = {way.name: [] for way in ways}
    asked: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(options.rounds):
        for way in ways:
            begun = time.perf_counter()
            for at in range(0, len(texts), SLICE):
                way.documents(texts[at : at + SLICE])
            taken[way.name].append(time.perf_counter() - begun)
            asked[way.name].append(statistics.median(timed(way.query, queries)))
        print(
            f"round {number + 1}: " + ", ".join(f"{name} {times[-1]:.1f} s" for name, times in taken.items()),
            flush=True,
        )
    return [
        Row(
            way.name,
            tokens_per_second=tokens / min(taken[way.name]),
            times_plain=statistics.median(a / b for a, b in zip(taken[PLAIN], taken[way.name], strict=True)),
            query_ms=1_000 * statistics.median(asked[way.name]),
            query_share_of_plain=statistics.median(b / a for a, b in zip(asked[PLAIN], asked[way.name], strict=True)),
            ndcg={folder.path.name: ndcg_of(way, folder) for folder in folders},
        )
        for way in ways
    ]


def texts_of(folder: Any) -> Iterator[str]:
    """Yield the texts of a collection's documents."""
    return (f"{row.title}\n\n{row.body}".strip() for row in folder.documents())


def timed(ask: Callable[[str], Any], queries: Sequence[str]) -> Iterator[float]:
    """Yield what each query took, in seconds."""
    for query in queries:
        begun = time.perf_counter()
        ask(query)
        yield time.perf_counter() - begun


def ndcg_of(way: Runtime, folder: Any) -> float:
    """Return the mean nDCG@10 of exact search with the runtime's vectors, over the queries that are judged."""
    import numpy as np

    from search.evaluation.metrics import ndcg

    ids = [row.external_id for row in folder.documents()]
    texts = list(texts_of(folder))
    vectors = np.concatenate([way.documents(texts[at : at + SLICE]) for at in range(0, len(texts), SLICE)])
    judged = [query for query in folder.queries() if any(query.grades.values())]
    found = []
    for query in judged:
        best = np.argsort(-(vectors @ np.ravel(way.query(query.text))), kind="stable")[:10]
        found.append(ndcg([ids[at] for at in best], query.grades, 10))
    return statistics.mean(found)


def tell(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Print the table."""
    plain = rows[0].ndcg
    print(f"\n{'runtime':<28}{'tokens/s':>10}{'× plain':>9}{'query ms':>10}{'of plain':>10}", end="")
    print("".join(f"{'nDCG ' + name:>18}" for name in names))
    for row in rows:
        print(
            f"{row.runtime:<28}{row.tokens_per_second:>10,.0f}{row.times_plain:>9.2f}{row.query_ms:>10.2f}"
            f"{row.query_share_of_plain:>10.2f}"
            + "".join(f"{row.ndcg[name]:>9.4f} {100 * (row.ndcg[name] / plain[name] - 1):>+6.2f} %" for name in names)
        )


if __name__ == "__main__":
    main()
