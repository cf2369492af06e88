"""How long searches take in a large collection, as people ask them: over HTTP, of the real processes.

    python benchmarks/latency.py CORPUS [--limit 100000] [--profile sqlite|postgresql] [--queries 400] [--seconds 10]
        [--json FILE]

CORPUS holds one JSON object a line with `_id`, `title` and `text`; where it is shorter than the limit it is repeated,
each text with another behind it. Two web processes answer, as `make run` has them. Questions are made of the corpus's
words, no two alike; then some are asked again, which shows what is kept. Every answer has to be complete.
"""

import argparse
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from tests.journeys.load import Load
from tests.journeys.stack import Stack

ROOT = Path(__file__).resolve().parent.parent
SLUG = "latency"
K = 10
_FILL = """
import sys, time; from pathlib import Path
import django; django.setup()
from benchmarks.ingest import drain, write
from benchmarks.latency import SLUG, rows
from search.models import Collection
collection, begun = Collection.objects.create(slug=SLUG, name=SLUG), time.perf_counter()
drain(collection.pk, None)  # makes its first version
limit, part = int(sys.argv[2]), []
for row in rows(Path(sys.argv[1]), limit):
    part.append(row)
    if len(part) == 5_000:
        write(collection, part); part.clear(); drain(collection.pk, None)
write(collection, part); drain(collection.pk, None)
version = collection.index_versions.get()
kinds = sorted({segment.index_type for segment in version.segments.all()})
print(version.chunks, time.perf_counter() - begun, version.encoder_runtime, "+".join(kinds))
"""


def main() -> None:
    """Fill, start, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=100_000)
    parser.add_argument("--profile", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="semsearch-latency-"))
    folder.chmod(0o755)
    stack = Stack(options.profile, folder)
    try:
        stack.start()
        stack.kill_worker()  # the filling below is alone on the machine, and so are the searches
        command = [sys.executable, "-c", _FILL, str(options.corpus), str(options.limit)]
        done = subprocess.run(
            command, check=True, cwd=ROOT, env={**stack.env, "OMP_NUM_THREADS": ""}, capture_output=True, text=True
        )
        chunks, seconds, runtime, kinds = done.stdout.split()[-4:]
        said = {"profile": options.profile, "chunks": int(chunks), "index": kinds, "runtime": runtime}
        said |= {"documents_per_second": options.limit / float(seconds)}
        said |= measure(stack, options)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in said.items():
        print(f"{name:<24}{value:,.2f}" if isinstance(value, float) else f"{name:<24}{value}")
    if options.json:
        options.json.write_text(json.dumps(said, indent=2), encoding="utf-8")


def rows(corpus: Path, limit: int) -> Iterator[dict[str, str]]:
    """Yield so many documents, the corpus over and over."""
    texts = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    for number in range(limit):
        turn, at = divmod(number, len(texts))
        row = texts[at]
        other = f" {texts[(at * 31 + turn * 7_919) % len(texts)]['text']}" if turn else ""
        yield {"_id": f"{row['_id']}-{turn}", "title": row.get("title") or "", "text": row["text"] + other}


def questions(corpus: Path, seed: int) -> Iterator[str]:
    """Yield questions without end: some words of a text, some of another."""
    with corpus.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"].split() for line, _ in zip(lines, range(20_000), strict=False)]
    random = np.random.default_rng(seed)
    while True:
        one, other = (texts[at] for at in random.integers(0, len(texts), 2))
        yield " ".join([*one[:4], *other[:2], str(random.integers(0, 1_000_000))])


def measure(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one client, of four, and of questions that were asked before."""
    origin = stack.browsers[0].origin
    link = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=60)
    asked = questions(options.corpus, 1)
    for _ in range(30):
        _ask(link, next(asked))
    stages: dict[str, list[float]] = {}
    kept = [next(asked) for _ in range(options.queries)]
    times = [_ask(link, question, stages) for question in kept]
    again = [_ask(link, question) for question in kept[-100:]]
    many = questions(options.corpus, 2)
    origins = [browser.origin for browser in stack.browsers]
    with Load(origins, SLUG, [next(many) for _ in range(20_000)]) as load:
        time.sleep(options.seconds)
    answers = [answer for answer in load.answers if answer.fits]
    if len(answers) < len(load.answers):
        raise SystemExit(f"{len(load.answers) - len(answers)} answers under load were not complete")
    return {
        "p50_ms": _percentile(times, 50),
        "p99_ms": _percentile(times, 99),
        "stages_ms": json.dumps({name: round(statistics.median(spent), 2) for name, spent in stages.items()}),
        "again_p50_ms": _percentile(again, 50),
        "queries_per_second": len(answers) / options.seconds,
        "loaded_p99_ms": _percentile([answer.milliseconds for answer in answers], 99),
        "web_pss_mb": json.dumps([round(_memory_mb(server.process.pid)) for server in stack.webs if server.process]),
    }


def _ask(link: http.client.HTTPConnection, question: str, stages: dict[str, list[float]] | None = None) -> float:
    """Ask one question; return the milliseconds until its answer was read."""
    address = "/api/v1/search/?" + urllib.parse.urlencode({"q": question, "collection": SLUG, "k": K})
    begun = time.perf_counter()
    link.request("GET", address)
    answer = json.loads(link.getresponse().read())
    spent = (time.perf_counter() - begun) * 1_000
    if answer["degraded"]:
        raise SystemExit(f"An answer was not complete: {answer['degraded_reasons']}")
    if stages is not None:
        for name, milliseconds in answer["took_ms"].items():
            stages.setdefault(name, []).append(milliseconds)
    return spent


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share))


def _memory_mb(pid: int) -> float:
    top = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in [top, *top.children(recursive=True)]) / 1e6


if __name__ == "__main__":
    main()
