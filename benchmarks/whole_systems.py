"""Whole systems side by side, over HTTP: bring a corpus in, save, search, search under load, start again.

    python benchmarks/whole_systems.py COLLECTION [--systems naive chroma txtai semsearch semsearch-servers]
        [--limit 6000] [--queries 300] [--seconds 10] [--saves 20] [--venvs DIR] [--json FILE]

COLLECTION is a folder in the BEIR layout. The systems run one after another; all get the same documents, the same
questions and the same encoder, and none is asked the same question twice, so that no cache of answers is measured.

    docs/s       documents a second from the first request of many until all can be found
    save ms      from the answer to the save of one document until a search finds it: median and 95th percentile
    p50, p99     of a search, one client
    q/s          searches a second, four clients
    nDCG@10      over the collection's judged queries
    MB           memory of the programs after all that, shared pages counted once
    start s      from the start of the programs, with the corpus in, to the first complete answer
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import AT_ONCE, SYSTEMS, Link, System, Text, prepared

CLIENTS = 4
_WIDTHS = (8, 8, 7, 8, 8, 8, 9, 8, 8)
K = 10


@dataclass(frozen=True, slots=True)
class Corpus:
    """What every system gets."""

    documents: list[Text]
    judged: list[Any]
    words: list[str]

    def questions(self, seed: int) -> Iterator[str]:
        """Yield questions without end, no two alike; another seed gives others."""
        number = 0
        while True:
            query = self.judged[number % len(self.judged)].text
            yield f"{query} {self.words[(seed * 7_919 + number) % len(self.words)]}"
            number += 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One system's row."""

    system: str
    version: str
    documents: int
    documents_per_second: float
    save_ms_median: float
    save_ms_p95: float
    search_ms_p50: float
    search_ms_p99: float
    queries_per_second: float
    ndcg: float
    memory_mb: dict[str, float]
    start_seconds: float


def main() -> None:
    """Measure, print, and keep as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collection", type=Path)
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--limit", type=int, default=6_000, help="documents to take")
    parser.add_argument("--queries", type=int, default=300, help="searches of one client")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long four clients search")
    parser.add_argument("--saves", type=int, default=20)
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "semsearch-yardsticks")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.venvs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="semsearch-systems-") as folder:
        os.environ |= {
            "SEMSEARCH_DATA_DIR": f"{folder}/here",
            "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.dev",
        }
        Path(folder).chmod(0o755)
        import django

        django.setup()
        from search import registry

        corpus = corpus_of(options.collection, options.limit)
        model = registry.encoder("").folder  # type: ignore[attr-defined]
        rows: list[Measured] = []
        for name in options.systems:
            with prepared(name, Path(folder) / name, options.venvs, model) as system:
                rows.append(measure(system, corpus, options))
            print(line(rows[-1]), flush=True)
    tell(rows)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")


def corpus_of(path: Path, limit: int) -> Corpus:
    """Read a collection; queries are kept whose judged documents are among those that are taken."""
    from search.evaluation.datasets import BeirFolder

    folder = BeirFolder(path)
    documents = [Text(row.external_id, row.title, row.body) for row in islice(folder.documents(), limit)]
    taken = {each.id for each in documents}
    judged = [query for query in folder.queries() if any(g for d, g in query.grades.items() if d in taken)]
    return Corpus(documents, judged, sorted({word for each in documents[:500] for word in each.title.split()}))


def measure(system: System, corpus: Corpus, options: argparse.Namespace) -> Measured:
    """Do everything to one system."""
    system.start()
    link = Link(system.port)
    brought = ingest(system, link, corpus.documents)
    saves = sorted(save_to_found(system, link, number) for number in range(options.saves))
    ndcg = ndcg_of(system, link, corpus)
    times = sorted(search_times(system, link, islice(corpus.questions(1), options.queries)))
    per_second = saturated(system, corpus, options.seconds)
    memory = system.memory_mb()
    system.stop()
    return Measured(
        system=system.name,
        version=system.version(),
        documents=len(corpus.documents),
        documents_per_second=len(corpus.documents) / brought,
        save_ms_median=1_000 * statistics.median(saves),
        save_ms_p95=1_000 * saves[int(0.95 * len(saves))],
        search_ms_p50=1_000 * statistics.median(times),
        search_ms_p99=1_000 * times[int(0.99 * len(times))],
        queries_per_second=per_second,
        ndcg=ndcg,
        memory_mb=memory,
        start_seconds=system.start(),
    )


def ingest(system: System, link: Link, documents: Sequence[Text]) -> float:
    """Return the seconds until all documents can be found."""
    begun = time.perf_counter()
    for at in range(0, len(documents), AT_ONCE):
        system.save(link, documents[at : at + AT_ONCE])
    system.wait_until_found(link)
    return time.perf_counter() - begun


def save_to_found(system: System, link: Link, number: int) -> float:
    """Return the seconds from the answer to a save until a search finds what was saved."""
    text = f"Memorandum {number * 7_907} on the {number}th umbrella of the lighthouse keeper's {number + 3} cousins."
    system.save(link, [Text(f"saved-{number}", f"Memorandum {number * 7_907}", text)])
    begun = time.perf_counter()
    while f"saved-{number}" not in (system.search(link, text, K) or []):
        if time.perf_counter() - begun > 60:
            raise TimeoutError(f"{system.name} does not find what was saved")
    return time.perf_counter() - begun


def ndcg_of(system: System, link: Link, corpus: Corpus) -> float:
    """Return the mean nDCG@10 over the judged queries."""
    from search.evaluation.metrics import ndcg

    return statistics.mean(ndcg(system.search(link, each.text, K) or [], each.grades, K) for each in corpus.judged)


def search_times(system: System, link: Link, questions: Iterator[str]) -> Iterator[float]:
    """Yield the seconds of each search."""
    for question in questions:
        begun = time.perf_counter()
        system.search(link, question, K)
        yield time.perf_counter() - begun


def saturated(system: System, corpus: Corpus, seconds: float) -> float:
    """Return the searches a second that CLIENTS get answered."""
    counts, ending = [0] * CLIENTS, time.monotonic() + seconds

    def ask(number: int) -> None:
        link = Link(system.port)
        for question in corpus.questions(2 + number):
            if time.monotonic() > ending:
                return
            system.search(link, question, K)
            counts[number] += 1

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    return sum(counts) / seconds


def line(row: Measured) -> str:
    """Return a row of the table."""
    return (
        f"{row.system:<18}{row.documents_per_second:>8.1f}{row.save_ms_median:>8.0f}{row.save_ms_p95:>7.0f}"
        f"{row.search_ms_p50:>8.1f}{row.search_ms_p99:>8.1f}{row.queries_per_second:>8.1f}{row.ndcg:>9.4f}"
        f"{sum(row.memory_mb.values()):>8,.0f}{row.start_seconds:>8.1f}"
    )


def tell(rows: Sequence[Measured]) -> None:
    """Print the table, and what was measured."""
    names = ("docs/s", "save ms", "p95", "p50 ms", "p99 ms", "q/s", "nDCG@10", "MB", "start s")
    print("\n" + f"{'system':<18}" + "".join(f"{name:>{width}}" for name, width in zip(names, _WIDTHS, strict=True)))
    for row in rows:
        print(line(row))
    for row in rows:
        memory = ", ".join(f"{name} {megabytes:,.0f}" for name, megabytes in row.memory_mb.items())
        print(f"{row.system}: {row.version}; MB: {memory}")


if __name__ == "__main__":
    main()
