"""A test collection small enough to know by heart, in the BEIR layout."""

import json
from pathlib import Path

CORPUS = {
    "cat": ("Cats", "A cat is a small animal that purrs and sleeps."),
    "dog": ("Dogs", "A dog is an animal that barks at strangers."),
    "pump": ("Pumps", "A pump moves water through a pipe."),
}
QUERIES = {"q1": "it purrs and sleeps", "q2": "moving water through a pipe", "q3": "nobody has judged this"}
QRELS = (("q1", "cat", 2), ("q1", "dog", 0), ("q2", "pump", 1))


def write_beir(folder: Path) -> Path:
    """Write it into a folder `animals` there, and return that."""
    path = folder / "animals"
    path.mkdir()
    rows = [{"_id": key, "title": title, "text": text} for key, (title, text) in CORPUS.items()]
    (path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [{"_id": key, "text": text} for key, text in QUERIES.items()]
    (path / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    lines = ["\t".join(map(str, row)) for row in QRELS]
    (path / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return path
