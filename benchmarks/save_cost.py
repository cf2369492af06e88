"""Measures what one saved document costs while its collection grows: it must stay the same.

    python benchmarks/save_cost.py [--sizes 1000 10000 100000 1000000] [--saves 60] [--index-type Flat] [--keep DIR]

For each size a collection of synthetic vectors is made, with its index; then documents are added, edited and
deleted one at a time, and each is followed from the save to the state in which a search process has it: the save
itself, the worker's applying of it, and the bringing up to date of an index that is open. Medians in milliseconds,
with the 95th percentile of the whole; the last column is the ratio to the smallest size. SQLite, one process, the
deterministic encoder.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import synthetic

if TYPE_CHECKING:
    from search.models import Collection

_TURNS = 10
_WARM_UP = 3  # the first ones open what is closed
_KINDS = ("add", "edit", "delete")


@dataclass
class Costs:
    """Milliseconds of each save's parts."""

    save: list[float] = field(default_factory=list)
    apply: list[float] = field(default_factory=list)
    open: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)

    @property
    def whole(self) -> list[float]:
        """From the save to the state in which a search process has it."""
        return [sum(parts) for parts in zip(self.save, self.apply, self.open, strict=True)]


def main() -> None:
    """Make a collection of each size; then measure them in turns, so that a busy moment meets them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--saves", type=int, default=60)
    parser.add_argument("--index-type", default="Flat")
    parser.add_argument("--keep", type=Path, help="make the data below this folder and leave it there")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        root = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="semsearch-cost-")))
        synthetic.set_up(root / str(arguments.sizes[0]))
        for size in arguments.sizes:
            make(root / str(size), size, arguments.index_type)
        costs = {size: Costs() for size in arguments.sizes}
        for turn in range(_TURNS):
            for size, seen in costs.items():
                measure(root / str(size), seen, arguments.saves // _TURNS, first=turn * 100)
        print(f"{'vectors':>9} {'save':>7} {'apply':>7} {'open':>7} {'whole':>7} {'p95':>7} "
              f"{'ratio':>6} {'cpu':>7} {'ratio':>6} {'queries':>8} {'database MB':>12}")  # fmt: skip
        for size, seen in costs.items():
            print(_row(size, seen, root / str(size), costs[arguments.sizes[0]]))


def make(folder: Path, size: int, index_type: str) -> None:
    """Make a collection of `size` vectors with its index, unless it is there from another run."""
    from search.models import Collection

    began = time.perf_counter()
    _use(folder)
    if not Collection.objects.filter(slug=synthetic.SLUG).exists():
        collection = synthetic.make_collection(size, engine_options={"index_type": index_type})
        synthetic.make_version(collection)
    print(f"{size:,} vectors made in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def measure(folder: Path, costs: Costs, saves: int, *, first: int) -> None:
    """Add the costs of single saves."""
    from search.models import Collection
    from search.retrieval import open_index

    _use(folder)
    open_index.close_all()
    collection = Collection.objects.get(slug=synthetic.SLUG)
    for number in range(first, first + _WARM_UP + saves):
        one_save(collection, number, costs if number >= first + _WARM_UP else Costs())


def one_save(collection: "Collection", number: int, costs: Costs) -> None:
    """Change one document and follow it until the open index has it."""
    from django.db import connection

    from search.indexing.sweep import serve
    from search.retrieval.open_index import open_version

    processor = time.process_time()
    costs.save.append(_timed(lambda: _change(collection, number)))
    with connection.execute_wrapper(counter := _Counter()):
        costs.apply.append(_timed(lambda: serve(collection.pk)))
    costs.queries.append(counter.count)
    version = collection.active_version()
    assert version is not None
    assert not version.pending_changes.exists()
    costs.open.append(_timed(lambda: open_version(version)))
    costs.processor.append((time.process_time() - processor) * 1_000)


class _Counter:
    """Counts SQL statements."""

    count = 0

    def __call__(self, execute: Callable[..., object], *arguments: object) -> object:
        self.count += 1
        return execute(*arguments)


def _change(collection: "Collection", number: int) -> None:
    from search.models import Document

    kind = _KINDS[number % len(_KINDS)]
    if kind == "add":
        Document.objects.create(collection=collection, title=f"Added {number}", body=synthetic.body(10**9 + number))
        return
    document = Document.objects.filter(collection=collection).order_by("pk")[number]
    if kind == "delete":
        document.delete()
        return
    document.body += f" edited{number}"
    document.save()


def _timed(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1_000


def _use(folder: Path) -> None:
    """Turn to the database of another size."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    connections.close_all()
    folder.mkdir(parents=True, exist_ok=True)
    connections["default"].settings_dict["NAME"] = str(folder / "semsearch.sqlite3")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DATA_DIR": folder}
    call_command("migrate", verbosity=0)


def _row(size: int, costs: Costs, folder: Path, smallest: Costs) -> str:
    whole = sorted(costs.whole)
    p95 = whole[int(len(whole) * 0.95)]
    medians = [statistics.median(part) for part in (costs.save, costs.apply, costs.open, whole)]
    ratio = medians[-1] / statistics.median(smallest.whole)
    cpu = statistics.median(costs.processor)
    cpu_ratio = cpu / statistics.median(smallest.processor)
    database = (folder / "semsearch.sqlite3").stat().st_size / 2**20
    shown = " ".join(f"{value:>7.1f}" for value in [*medians, p95])
    queries = statistics.median(costs.queries)
    return f"{size:>9} {shown} {ratio:>6.2f} {cpu:>7.1f} {cpu_ratio:>6.2f} {queries:>8.0f} {database:>12.0f}"


if __name__ == "__main__":
    main()
