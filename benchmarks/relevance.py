"""Measures ranking quality on a folder in the BEIR layout, through the same code that people's queries run.

    python benchmarks/relevance.py DATASET [--queries N] [--options '{"dense_weight": 0.6}'] [--data-dir DIR]

DATASET has corpus.jsonl, queries.jsonl and qrels.tsv. The corpus goes into an SQLite database of its own below
--data-dir (kept, so that a second run encodes nothing). Prints nDCG@10 and recall@100 for each mode.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    """Load, index, search and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--queries", type=int, default=0, help="only the first N queries that have judgments")
    parser.add_argument("--options", type=json.loads, default={}, help="retrieval options of the collection")
    parser.add_argument("--chunking", type=json.loads, default={}, help="chunking options of the collection")
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "semsearch-relevance")
    arguments = parser.parse_args()
    os.environ["SEMSEARCH_DATA_DIR"] = str(arguments.data_dir)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.dev")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    slug = load(arguments.dataset, arguments.options, arguments.chunking)
    queries, judgments = read_queries(arguments.dataset, arguments.queries)
    for mode in ("dense", "lexical", "hybrid"):
        report(mode, slug, queries, judgments)


def load(dataset: Path, options: dict, chunking: dict) -> str:
    """Make a collection of the corpus, once, and index it; return its slug."""
    from search.indexing.applier import drain
    from search.models import Collection, Document

    slug = dataset.name + ("-" + "-".join(str(value) for value in chunking.values()) if chunking else "")
    collection, new = Collection.objects.get_or_create(slug=slug, defaults={"name": slug, "chunking": chunking})
    Collection.objects.filter(pk=collection.pk).update(retrieval=options)
    if new:
        with (dataset / "corpus.jsonl").open() as lines:
            rows = [json.loads(line) for line in lines]
        Document.objects.bulk_create(
            [
                Document(collection=collection, external_id=row["_id"], title=row.get("title", ""), body=row["text"])
                for row in rows
            ],
            batch_size=500,
        )
    begun = time.perf_counter()
    done = drain(collection.pk, budget_seconds=1e9)
    if done.applied:
        print(f"{slug}: {done.applied} documents indexed in {time.perf_counter() - begun:.0f} s")
    return slug


def read_queries(dataset: Path, most: int) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """Return query id → text and query id → document id → grade, for queries with a relevant document."""
    judgments: dict[str, dict[str, int]] = defaultdict(dict)
    with (dataset / "qrels.tsv").open() as lines:
        next(lines)
        for line in lines:
            query, document, grade = line.split("\t")
            if int(grade) > 0:
                judgments[query][document] = int(grade)
    with (dataset / "queries.jsonl").open() as lines:
        texts = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    queries = {key: text for key, text in texts.items() if key in judgments}
    return dict(list(queries.items())[: most or None]), judgments


def report(mode: str, slug: str, queries: dict[str, str], judgments: dict[str, dict[str, int]]) -> None:
    """Print one line of metrics for one mode."""
    from search.query_service import search

    gains, recalls, good, took = [], [], 0, []
    for key, text in queries.items():
        response = search(text[:2000], collection=slug, k=100, mode=mode)
        ranked = [result.external_id for result in response.results]
        gains.append(ndcg(ranked, judgments[key], 10))
        recalls.append(len(set(ranked) & set(judgments[key])) / len(judgments[key]))
        good += response.good_match
        took.append(response.took_ms.total)
    took.sort()
    print(
        f"{slug:>14} {mode:<8} nDCG@10 {sum(gains) / len(gains):.4f}  recall@100 {sum(recalls) / len(recalls):.4f}  "
        f"good match {good / len(gains):.3f}  p50 {took[len(took) // 2]:.1f} ms  {len(gains)} queries"
    )


def ndcg(ranked: list[str], grades: dict[str, int], k: int) -> float:
    """Return nDCG@k with linear gains and log2 discounts (Järvelin and Kekäläinen, 2002)."""
    gain = sum(grades.get(document, 0) / math.log2(at + 2) for at, document in enumerate(ranked[:k]))
    best = sum(grade / math.log2(at + 2) for at, grade in enumerate(sorted(grades.values(), reverse=True)[:k]))
    return gain / best


if __name__ == "__main__":
    main()
