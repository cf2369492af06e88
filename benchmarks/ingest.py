"""How fast documents become searchable, against the encoder alone on the same texts.

    python benchmarks/ingest.py CORPUS.jsonl [--limit 3000] [--rounds 3] [--threads 2] [--profile 20]

CORPUS holds one JSON object a line with `_id`, `title` and `text`. The documents are written by the write path of
imports and API in batches of a transaction each, and drained into an empty installation of its own (SQLite, the real
encoder) until all of them can be found. After each round's share of the documents, the model alone encodes the texts
of their chunks, in one call: with what the product gives it, and by `SentenceTransformer.encode` as it comes. The
three take turns, because a machine that others use is not equally fast from minute to minute.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WRITTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time on the clock, and computing time of all threads: what other programs do shows in the first alone."""

    wall: float
    computing: float

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.wall + other.wall, self.computing + other.computing)


@dataclass(frozen=True, slots=True)
class Round:
    """What one share of the documents took."""

    documents: int
    tokens: int
    writing: "Seconds"
    draining: "Seconds"
    product: "Seconds"
    plain: "Seconds"
    memory_mb: float


def main() -> None:
    """Index, encode, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=3_000, help="documents to take")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="threads of both; all cores if not given")
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="show where the time of drains went")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semsearch-ingest-") as folder:
        os.environ |= {"SEMSEARCH_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev"}
        os.environ |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "DJANGO_LOG_LEVEL": "WARNING"}
        if options.threads:
            os.environ["OMP_NUM_THREADS"] = str(options.threads)
        import django
        import torch

        django.setup()
        print(f"{options.corpus}: {options.limit:,} documents at most, {torch.get_num_threads()} threads")
        report(list(measure(options)))


def measure(options: argparse.Namespace) -> Iterator[Round]:
    """Yield the rounds, each printed as it ends."""
    from django.core.management import call_command

    from search import registry
    from search.embedding.sentence_transformer import SentenceTransformerEncoder
    from search.indexing import applier
    from search.models import Collection

    call_command("migrate", verbosity=0)
    collection = Collection.objects.create(slug="ingest", name="Ingest")
    applier.drain(collection.pk)  # makes its first version
    version = collection.index_versions.get()
    encoder: Any = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    chunker = registry.chunker_for(encoder, version.chunking)
    plain: Any = SentenceTransformerEncoder(name=version.encoder_name)._loaded()
    print(f"runtime {version.encoder_runtime}")
    encoder.encode_documents(["Whatever the first encoding costs is paid here."])
    profile = cProfile.Profile() if options.profile else None
    rows = islice(documents(options.corpus), options.limit)
    size, seen = -(-options.limit // options.rounds), set[str]()
    while share := list(islice(rows, size)):
        writing = timed(partial(write, collection, share))
        draining = timed(partial(drain, collection.pk, profile))
        found = [chunk for title, body in ((row["title"], row["text"]) for row in share)
                 for chunk in chunker.split(title, body)]  # fmt: skip
        new = {chunk.text_hash: chunk for chunk in found if chunk.text_hash not in seen}
        seen |= new.keys()
        texts = [chunk.encoded_text for chunk in new.values()]
        done = Round(
            documents=len(share),
            tokens=sum(chunk.tokens for chunk in new.values()),
            writing=writing,
            draining=draining,
            product=timed(partial(encoder.encode_documents, texts)),
            plain=timed(partial(plain.encode, texts, show_progress_bar=False)),
            memory_mb=memory_mb(),
        )
        tell(done)
        yield done
    check(collection, options.limit)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)
        pstats.Stats(profile).sort_stats("cumtime").print_stats(options.profile)


def documents(corpus: Path) -> Iterator[dict[str, str]]:
    """Yield the corpus's rows."""
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def write(collection: Any, rows: list[dict[str, str]]) -> None:
    """Store documents as imports do."""
    from search.ingestion.document_writes import DocumentWrite, Rights, write_documents

    writes = [
        DocumentWrite(row["_id"], {"title": row["title"], "body": row["text"], "state": "published"}) for row in rows
    ]
    for at in range(0, len(writes), WRITTEN_AT_ONCE):
        write_documents(collection, writes[at : at + WRITTEN_AT_ONCE], Rights(create=True, replace=True))


def drain(collection_id: int, profile: cProfile.Profile | None) -> None:
    """Index until nothing waits."""
    from search.indexing import applier

    if profile is not None:
        profile.enable()
    while applier.drain(collection_id, budget_seconds=2.0).more:  # the turns of the worker
        pass
    if profile is not None:
        profile.disable()


def check(collection: Any, documents: int) -> None:
    """Fail unless every document can be found."""
    from search.models import IndexedDocument, PendingChange

    version = collection.index_versions.get()
    waiting = PendingChange.objects.count()
    visible = IndexedDocument.objects.filter(version=version, visible_at__isnull=False).count()
    if waiting or visible != collection.documents.count() or version.lexical_generation != version.generation:
        raise SystemExit(
            f"{waiting} changes wait, {visible} of {documents} documents are visible: {version.last_error}"
        )


def timed(work: Callable[[], Any]) -> Seconds:
    """Return what a call takes."""
    wall, computing = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - wall, time.process_time() - computing)


def memory_mb() -> float:
    """Return this process's resident memory."""
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)


def tell(done: Round) -> None:
    """Print one round."""
    print(
        f"{done.documents:>6,} documents, {done.tokens:>9,} tokens: written {done.writing.wall:.1f} s, "
        f"indexed {done.draining.wall:.1f} s; encoder alone {done.product.wall:.1f} s, plain {done.plain.wall:.1f} s; "
        f"computing {(done.writing + done.draining).computing:.1f}, {done.product.computing:.1f}, "
        f"{done.plain.computing:.1f} s; {done.memory_mb:,.0f} MB",
        flush=True,
    )


def report(rounds: list[Round]) -> None:
    """Print the rates and their ratios, of all rounds together and the median of the rounds."""
    documents, tokens = sum(done.documents for done in rounds), sum(done.tokens for done in rounds)
    ours = [done.writing + done.draining for done in rounds]
    seconds = sum(taken.wall for taken in ours)
    print(f"end to end: {documents / seconds:,.0f} documents/s, {tokens / seconds:,.0f} tokens/s")
    for name, alone in (
        ("encoder alone, as the product calls it", [done.product for done in rounds]),
        ("SentenceTransformer.encode as it comes", [done.plain for done in rounds]),
    ):
        seconds = sum(taken.wall for taken in alone)
        wall = seconds / sum(taken.wall for taken in ours)
        computing = sum(taken.computing for taken in alone) / sum(taken.computing for taken in ours)
        median = statistics.median(one.wall / other.wall for one, other in zip(alone, ours, strict=True))
        print(
            f"{name}: {documents / seconds:,.0f} documents/s, {tokens / seconds:,.0f} tokens/s; end to end is "
            f"{wall:.0%} of it by the clock (median of rounds {median:.0%}), {computing:.0%} by computing time"
        )


if __name__ == "__main__":
    main()
