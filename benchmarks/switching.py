"""Measures what people who search notice of switches between two versions: the 99th percentile, quiet and meanwhile.

    python benchmarks/switching.py [--vectors 20000] [--seconds 20] [--switches 200] [--index-type Flat]

Starts an installation with two web servers (SQLite, the real encoder for the queries, synthetic vectors), builds two
versions, and searches from four threads: quietly, through many switches back and forth, and through the first
opening of a new candidate, whose files no process has open. Prints milliseconds and their ratios.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import synthetic
from tests.journeys.load import Answer, Load, p99
from tests.journeys.stack import Stack

_QUERIES = [f"word{number} word{number * 7} title" for number in range(40)]
_MAKE = """
import sys; from pathlib import Path; from benchmarks import synthetic
synthetic.set_up(Path(sys.argv[1]), encoder_runtime="torch")
from search.indexing import gate, lifecycle
from search.models import IndexVersion
options = {"index_type": sys.argv[3], "recall": 0.5}
collection = synthetic.make_collection(int(sys.argv[2]), engine_options=options)
for number in range(3):
    version = synthetic.make_version(collection)
    IndexVersion.objects.filter(pk=version.pk).update(recall=1.0, recall_target=0.5, ready_at=version.created_at)
    version.refresh_from_db()
    report = gate.assess(version)
    assert report.passed, report.refusals
    IndexVersion.objects.filter(pk=version.pk).update(gate=report.as_json())
    state = ("active", "retired", "retired")[number]
    IndexVersion.objects.filter(pk=version.pk).update(state=state, activated_at=version.created_at)
"""
_SWITCH = """
import time
from search.indexing import lifecycle
from search.models import IndexVersion
for _ in range({count}):
    retired = IndexVersion.objects.get(collection__slug={slug!r}, number__in={numbers!r}, state="retired")
    lifecycle.roll_back(retired)
    assert retired.state == "active"
    time.sleep({pause!r})
"""


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--switches", type=int, default=200)
    parser.add_argument("--index-type", default="Flat")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="semsearch-switching-"))
    stack = Stack("sqlite", folder)
    try:
        command = [sys.executable, "-c", _MAKE, str(stack.data_dir), str(arguments.vectors), arguments.index_type]
        subprocess.run(command, check=True, cwd=synthetic.ROOT)
        stack.start()
        measure(stack, arguments.seconds, arguments.switches)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(stack: Stack, seconds: float, switches: int) -> None:
    """Print the figures of each phase."""
    stack.kill_worker()  # it would measure the new versions meanwhile
    pause = seconds / switches
    answers_of(stack, lambda: time.sleep(5))  # encoders are loaded, query vectors are known
    quiet = answers_of(stack, lambda: time.sleep(seconds))
    # The same process runs meanwhile, without switching: on few cores it takes time from the web servers, too.
    idle = answers_of(stack, lambda: switch(stack, 0, (1, 2), pause, then=seconds))
    moving = answers_of(stack, lambda: switch(stack, switches, (1, 2), pause))
    fresh = answers_of(stack, lambda: switch(stack, 1, (3,), pause, then=seconds / 2))
    print(f"{'':<22} {'answers':>8} {'failed':>7} {'median':>7} {'p99':>7} {'max':>8} {'to quiet':>9}")
    named = {"quiet": quiet, "quiet, with a process": idle, f"{switches} switches": moving, "a new candidate": fresh}
    for name, answers in named.items():
        times = [answer.milliseconds for answer in answers]
        failed = sum(not answer.fits for answer in answers)
        print(
            f"{name:<22} {len(answers):>8} {failed:>7} {statistics.median(times):>7.1f} {p99(answers):>7.1f} "
            f"{max(times):>8.1f} {p99(answers) / p99(quiet):>9.2f}"
        )


def switch(stack: Stack, count: int, numbers: tuple[int, ...], pause: float, *, then: float = 0.0) -> None:
    """Switch `count` times to whichever of these versions is retired, by a process of its own."""
    code = _SWITCH.format(count=count, slug=synthetic.SLUG, numbers=numbers, pause=pause)
    stack.shell(f"{code}\ntime.sleep({then!r})")


def answers_of(stack: Stack, work: Callable[[], object]) -> list[Answer]:
    """Return the answers that people get while `work` is done."""
    origins = [browser.origin for browser in stack.browsers]
    with Load(origins, synthetic.SLUG, _QUERIES) as load:
        work()
    return load.answers


if __name__ == "__main__":
    main()
