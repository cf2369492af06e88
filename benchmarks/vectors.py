"""Nearest neighbours alone: the product's engine beside the libraries that are used instead, each in its own process.

    python benchmarks/vectors.py CORPUS [--limit 120000] [--queries 200] [--recall 0.98] [--libraries …]
        [--data DIR] [--venvs DIR] [--json FILE]

CORPUS is corpus.jsonl of a folder in the BEIR layout. Its texts are encoded once and kept in DATA; some become queries
and are not indexed. Every library has a virtual environment of its own, made here, searches in one thread, one query at
a time, and widens its search until recall@10 against every distance is reached; those that look at every vector need
not. Ratios are to the product's p50. `index_types.py` compares index types in turns, which is fairer and slower.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

YARDSTICK = Path(__file__).parent / "yardsticks" / "nearest.py"
PRODUCT = "semsearch"
LIBRARIES = {
    "faiss": ["faiss-cpu==1.15.1"],
    "hnswlib": ["hnswlib==0.8.0"],
    "usearch": ["usearch==2.26.6"],
    "chromadb": ["chromadb==1.5.9"],
    "lancedb": ["lancedb==0.40.0"],
    "sqlite_vec": ["sqlite-vec==0.1.9"],
    "qdrant_client": ["qdrant-client==1.20.0"],
}
K = 10


def main() -> None:
    """Measure, print, and keep as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=120_000, help="vectors to index")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--libraries", nargs="+", choices=list(LIBRARIES), default=list(LIBRARIES))
    scratch = Path(tempfile.gettempdir())
    parser.add_argument("--data", type=Path, default=scratch / "semsearch-vectors")
    parser.add_argument("--venvs", type=Path, default=scratch / "semsearch-yardsticks")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = data_of(options.corpus, options.limit, options.queries, options.data)
    rows = [measured(PRODUCT, [sys.executable, __file__.replace("vectors.py", "own_nearest.py")], folder, options)]
    rows += (
        measured(name, [str(python_of(name, options.venvs)), str(YARDSTICK)], folder, options)
        for name in options.libraries
    )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")


def data_of(corpus: Path, limit: int, queries: int, folder: Path) -> Path:
    """Return a folder with vectors.npy, queries.npy and truth.npy, made where it is missing."""
    made = folder / f"{corpus.parent.name}-{limit}-{queries}"
    if (made / "truth.npy").exists():
        return made
    import numpy as np

    made.mkdir(parents=True, exist_ok=True)
    os.environ |= {"SEMSEARCH_DATA_DIR": str(made / "here"), "HF_HUB_OFFLINE": "1"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "semsearch_project.settings.dev"
    import django

    django.setup()
    from search import registry

    encoder = registry.encoder("", runtime=registry.runtime_for(""))
    with corpus.open(encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        texts = [f"{row.get('title', '')}\n\n{row['text']}".strip() for row in islice(rows, limit + queries)]
    begun = time.perf_counter()
    vectors = np.concatenate([encoder.encode_documents(texts[at : at + 1_024]) for at in range(0, len(texts), 1_024)])
    print(f"encoded {len(texts):,} texts in {time.perf_counter() - begun:.0f} s", flush=True)
    order = np.random.default_rng(1).permutation(len(vectors))
    asked, kept = vectors[order[:queries]], vectors[order[queries:]]
    truth = np.argsort(-(asked @ kept.T), axis=1)[:, :K]
    for name, array in (("vectors", kept), ("queries", asked), ("truth", truth)):
        np.save(made / f"{name}.npy", np.ascontiguousarray(array))
    return made


def python_of(name: str, venvs: Path) -> Path:
    """Return the interpreter of a library's virtual environment, which is made where it is missing."""
    home = venvs / f"nearest-{name}"
    stamp, wanted = home / "installed.txt", " ".join([*LIBRARIES[name], "numpy==2.4.6"])
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", *wanted.split()], check=True)
        stamp.write_text(wanted)
    return home / "bin" / "python"


def measured(name: str, program: list[str], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run one library in a process of its own; print and return its row."""
    with tempfile.TemporaryDirectory(prefix="semsearch-nearest-") as scratch:
        for array in folder.glob("*.npy"):
            (Path(scratch) / array.name).symlink_to(array)
        command = [*program, name, scratch, str(options.recall)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        row: dict[str, Any] = {"library": name, "failed": done.stderr.strip().splitlines()[-1:]}
        print(f"{name}: failed: {row['failed']}", flush=True)
        return row
    row = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{row['library']:<32} p50 {row['p50_ms']:>8.3f} ms  p99 {row['p99_ms']:>8.3f} ms  recall {row['recall']:.4f}  "
        f"built in {row['build_seconds']:>6.1f} s  peak {row['peak_mb']:>6,.0f} MB  width {row['width']}",
        flush=True,
    )
    return row


if __name__ == "__main__":
    main()
