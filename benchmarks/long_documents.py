"""Measures whether a passage deep inside a long text is found by what it says, and whether its snippet shows it.

    python benchmarks/long_documents.py DATASET [--filler DATASET...] [--in-order] [--words 9000] [--queries 600]

The texts of DATASET, a folder in the BEIR layout, are shuffled with those of the fillers and put one behind the other
into documents of --words words, which have no titles: nothing but a passage itself says what it is about, and a chunk
may have the end of one subject and the beginning of another. --in-order leaves them as they are in DATASET, where
neighbours may be of one subject, as in most long texts. They go through chunker, encoder and index into an SQLite
database below --data-dir (kept, so that a second run encodes nothing). Prints, for random queries of DATASET, how often
the document with a relevant passage is first and among the first ten; of those, whether the chunk that is shown lies in
that passage, and whether the snippet does; and how often it is first by how deep the passage lies.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from search.datatypes import SearchResult
    from search.models import IndexVersion

_BETWEEN = "\n\n"
_DEPTHS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a passage lies: the document, its characters there, and how deep that is from 0 to 1."""

    document: str
    start: int
    end: int
    depth: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a query found. `rank` counts from 1 and is 0 when the document is not among the first ten."""

    rank: int
    depth: float
    right_chunk: bool
    right_snippet: bool


def main() -> None:
    """Make the documents, index them, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--filler", type=Path, nargs="*", default=[])
    parser.add_argument("--in-order", action="store_true", help="do not shuffle the texts")
    parser.add_argument("--words", type=int, default=9_000)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "semsearch-long-documents")
    arguments = parser.parse_args()
    os.environ["SEMSEARCH_DATA_DIR"] = str(arguments.data_dir)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.dev")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    order = "in-order" if arguments.in_order else "shuffled"
    name = f"{arguments.dataset.name}-{arguments.words}-{len(arguments.filler)}-{order}"
    folder = arguments.data_dir / "made" / name
    places = write(arguments.dataset, arguments.filler, arguments.words, folder, shuffled=not arguments.in_order)
    version = indexed(folder, name)
    print(f"{name}: {version.documents} documents, {version.chunks} chunks", flush=True)
    queries = asked(arguments.dataset, places)
    chosen = random.Random(1).sample(queries, min(arguments.queries, len(queries)))
    for mode in ("hybrid", "dense", "lexical"):
        report(mode, [outcome(version, text, relevant, mode) for text, relevant in chosen])


def write(dataset: Path, fillers: Sequence[Path], words: int, target: Path, *, shuffled: bool) -> dict[str, Place]:
    """Write the long documents as a BEIR folder; return where each text of `dataset` lies."""
    texts = [(row["_id"] if folder == dataset else "", f"{row.get('title') or ''}\n{row['text']}".strip())
             for folder in (dataset, *fillers) for row in rows(folder / "corpus.jsonl")]  # fmt: skip
    if shuffled:
        random.Random(0).shuffle(texts)
    target.mkdir(parents=True, exist_ok=True)
    places: dict[str, Place] = {}
    with (target / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for number, part in enumerate(parts(texts, words)):
            body = _BETWEEN.join(text for _, text in part)
            at = 0
            for passage, text in part:
                if passage:
                    places[passage] = Place(f"long{number}", at, at + len(text), at / len(body))
                at += len(text) + len(_BETWEEN)
            corpus.write(json.dumps({"_id": f"long{number}", "title": "", "text": body}) + "\n")
    (target / "queries.jsonl").write_text("")
    (target / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n")
    return places


def rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parts(texts: Sequence[tuple[str, str]], words: int) -> list[list[tuple[str, str]]]:
    """Return the texts in groups of about so many words; the last group may be shorter."""
    result: list[list[tuple[str, str]]] = [[]]
    count = 0
    for passage, text in texts:
        if count >= words:
            result.append([])
            count = 0
        result[-1].append((passage, text))
        count += len(text.split())
    return result


def indexed(folder: Path, name: str) -> "IndexVersion":
    """Bring the documents into a collection of their own, and return its live version."""
    from search.evaluation import dataset_collections
    from search.evaluation.datasets import BeirFolder

    made = dataset_collections.prepare(BeirFolder(folder), slug=name.replace("_", "-"))
    for _applied in dataset_collections.index(made.collection):
        pass
    version = made.collection.active_version()
    assert version is not None
    return version


def asked(dataset: Path, places: Mapping[str, Place]) -> list[tuple[str, list[Place]]]:
    """Return each query with the places of its relevant passages."""
    relevant: dict[str, list[Place]] = {}
    for line in (dataset / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, passage, grade = line.split("\t")
        if int(grade) > 0 and passage in places:
            relevant.setdefault(query, []).append(places[passage])
    texts = {row["_id"]: row["text"] for row in rows(dataset / "queries.jsonl")}
    return [(texts[query], found) for query, found in relevant.items()]


def outcome(version: "IndexVersion", text: str, relevant: Sequence[Place], mode: str) -> Outcome:
    """Ask as people do, and see what became of the first relevant document."""
    from search import query_service
    from search.conf import conf
    from search.evaluation.runner import everybody

    answer = query_service.search(
        text.strip()[: conf().MAX_QUERY_CHARS], user=everybody(), version=version, mode=mode, k=10, log=False
    )
    for result in answer.results:
        here = [place for place in relevant if place.document == result.external_id]
        if here:
            inside = [place for place in here if result.chunk_start < place.end and place.start < result.chunk_end]
            return Outcome(result.rank, here[0].depth, bool(inside), shows(version, result, inside))
    return Outcome(0, relevant[0].depth, right_chunk=False, right_snippet=False)


def shows(version: "IndexVersion", result: "SearchResult", inside: Sequence[Place]) -> bool:
    """Tell whether a snippet has at least half of its text from one of the passages."""
    from search.models import Document

    if not inside:
        return False
    body = Document.objects.get(collection=version.collection_id, pk=result.document_id).body
    shown = result.snippet.text.strip("… ")
    at = " ".join(body.split()).find(" ".join(shown.split()))
    flat = [(len(" ".join(body[: place.start].split())), len(" ".join(body[: place.end].split()))) for place in inside]
    middle = at + len(shown) // 2
    return at >= 0 and any(first <= middle <= last for first, last in flat)


def report(mode: str, outcomes: Sequence[Outcome]) -> None:
    """Print the shares, all together and by the quarter of the document in which the passage lies."""
    found = [each for each in outcomes if each.rank]
    print(
        f"  {mode:8s} recall@1 {share(each.rank == 1 for each in outcomes)}"
        f"  recall@10 {share(bool(each.rank) for each in outcomes)}"
        f"  of those found: chunk in the passage {share(each.right_chunk for each in found)}"
        f"  snippet {share(each.right_snippet for each in found)}"
    )
    for low, high in zip((0.0, *_DEPTHS), _DEPTHS, strict=False):
        here = [each for each in outcomes if low <= each.depth < high]
        print(f"    {low:.2f} to {high:.2f} deep: recall@1 {share(each.rank == 1 for each in here)} of {len(here)}")
    sys.stdout.flush()


def share(flags: Iterable[bool]) -> str:
    """Return how many of the flags are true, in percent."""
    values = list(flags)
    return f"{100 * sum(values) / len(values):.1f} %" if values else "-"


if __name__ == "__main__":
    main()
