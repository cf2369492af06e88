"""Measures how much memory of its own each further web process needs for the same index: the pages are shared.

    python benchmarks/shared_memory.py [--vectors 100000] [--index-types Flat HNSW] [--processes 4] [--keep DIR]

Synthetic vectors of 384 dimensions. Processes are started one after another, each for itself as gunicorn starts
them (nothing is loaded before), open the index as a query does and search it 200 times; what that added to their
private memory (Private_Clean + Private_Dirty of /proc/PID/smaps_rollup) is printed, with the share of the index, and
their proportional part of the shared pages (Pss). Only Linux tells these figures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import synthetic

_SEARCHES = 200
_MB = 1024.0  # smaps counts in KB


def main() -> None:
    """Make an index of each type, then measure its readers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--index-types", nargs="+", default=["Flat", "HNSW"])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="make the data below this folder and leave it there")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
        return
    with ExitStack() as stack:
        root = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="semsearch-memory-")))
        print(f"{'type':<10} {'index MB':>9} {'process':>8} {'private MB':>11} {'of index':>9} {'pss MB':>8}")
        for index_type in arguments.index_types:
            folder = root / index_type.replace(",", "-")
            command = [sys.executable, __file__, "--vectors", str(arguments.vectors), "--index-types", index_type]
            make(folder, arguments.vectors, index_type)
            report(folder, index_type, [*command, "--read", str(folder)], arguments.processes)


def make(folder: Path, vectors: int, index_type: str) -> None:
    """Make the index in a process of its own, so that this one starts its readers small."""
    code = (
        "import sys; from pathlib import Path; from benchmarks import synthetic\n"
        "synthetic.set_up(Path(sys.argv[1]))\n"
        "from search.models import Collection\n"
        "if not Collection.objects.exists():\n"
        "    options = {'index_type': sys.argv[3], 'recall': 0.5}  # random vectors: more would only take time\n"
        "    synthetic.make_version(synthetic.make_collection(int(sys.argv[2]), engine_options=options))\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(vectors), index_type]
    subprocess.run(command, check=True, cwd=synthetic.ROOT)


def report(folder: Path, index_type: str, command: list[str], processes: int) -> None:
    """Start the readers one after another and print each one's figures with all those before it still there."""
    readers: list[subprocess.Popen[str]] = []
    try:
        for number in range(1, processes + 1):
            reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            readers.append(reader)
            if reader.stdout is None:
                raise SystemExit("The reader has no output.")
            seen = json.loads(reader.stdout.readline())
            private = seen["after"]["private"] - seen["before"]["private"]
            pss = seen["after"]["pss"] - seen["before"]["pss"]
            share = private / seen["index"]
            print(f"{index_type:<10} {seen['index']:>9.1f} {number:>8} {private:>11.1f} {share:>9.1%} {pss:>8.1f}")
    finally:
        for reader in readers:
            reader.communicate()  # closes its input, at which it ends


def read(folder: Path) -> None:
    """Open the index, search it, print the figures as JSON, and stay until the input is closed."""
    synthetic.set_up(folder)
    import faiss  # what any index needs, whatever its size, is not the index

    from search.models import Collection
    from search.retrieval.open_index import open_version

    faiss.omp_set_num_threads(1)
    queries = synthetic.unit_vectors(_SEARCHES, seed=1)
    faiss.knn(queries[:1], queries, 10)
    version = Collection.objects.get(slug=synthetic.SLUG).active_version()
    if version is None:
        raise SystemExit("There is no active version.")
    size = sum(version.segments.values_list("size_bytes", flat=True)) / 2**20
    before = memory()
    dense = open_version(version).dense
    if dense is None:
        raise SystemExit("The index cannot be opened.")
    for query in queries:
        dense.search(query[None], 200)
    figures: dict[str, Any] = {"index": size, "before": before, "after": memory()}
    print(json.dumps(figures), flush=True)
    sys.stdin.read()


def memory() -> dict[str, float]:
    """Return this process's private memory and its part of what is shared, in MB."""
    values = {}
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        values[name] = float(rest.split()[0])
    private = values["Private_Clean"] + values["Private_Dirty"]
    return {"private": private / _MB, "pss": values["Pss"] / _MB}


if __name__ == "__main__":
    main()
