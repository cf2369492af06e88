"""Runs the benchmarks one after another, unattended, and prints one table of what they found.

    python benchmarks/bench.py DATA [--only encoding systems vectors latency] [--out DIR] [--small]

DATA is a folder with test collections in the BEIR layout: `scifact` and `cranfield`, and `wordnet_glosses` with a
corpus alone. Every part is a program of its own (see its own --help), whose output and JSON are kept in OUT. `--small`
is for trying whether everything works.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = ("torch", "sentence-transformers", "openvino", "faiss-cpu", "tantivy", "Django", "djangorestframework")


def main() -> None:
    """Run, gather, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=["encoding", "systems", "vectors", "latency"])
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine()}
    for name, command in parts(options.data, small=options.small):
        if options.only and name.partition("-")[0] not in options.only:
            continue
        found[name] = run(name, command, options.out)
    (options.out / "bench.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    tell(found)


def parts(data: Path, *, small: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield name and command of every part."""
    glosses = data / "wordnet_glosses" / "corpus.jsonl"
    few = ["--limit", "300"] if small else []
    yield "encoding", ["encoding.py", str(data / "cranfield"), "--limit", "100" if small else "600", "--threads", "2"]
    yield "systems", ["whole_systems.py", str(data / "scifact"), *few, *(["--seconds", "3"] if small else [])]
    yield "vectors", ["vectors.py", str(glosses), *(["--limit", "3000"] if small else [])]
    for profile in ("sqlite", "postgresql"):
        limit = "1000" if small else "100000"
        yield f"latency-{profile}", ["latency.py", str(glosses), "--limit", limit, "--profile", profile]


def run(name: str, command: list[str], out: Path) -> Any:
    """Run one part; return what it found, or how it failed."""
    result = (out / f"{name}.json").resolve()
    result.unlink(missing_ok=True)
    whole = [sys.executable, str(HERE / command[0]), *command[1:], "--json", str(result)]
    print(f"--- {name}: benchmarks/{' '.join(command)}", flush=True)
    begun = time.perf_counter()
    with (out / f"{name}.log").open("w", encoding="utf-8") as log:
        code = subprocess.run(whole, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    print(f"    {time.perf_counter() - begun:.0f} s, exit code {code}", flush=True)
    rows = json.loads(result.read_text(encoding="utf-8")) if result.exists() else None
    return {"command": " ".join(command), "exit_code": code, "found": rows}


def machine() -> dict[str, Any]:
    """Return what was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    versions = {name: version(name) for name in PACKAGES}
    return {"processor": model, "cores": os.cpu_count(), "system": platform.platform(), "versions": versions}


def tell(found: dict[str, Any]) -> None:
    """Print a line for every figure of every part."""
    print(f"\n{found['machine']}")
    for name, part in found.items():
        if name == "machine":
            continue
        print(f"\n{name} (benchmarks/{part['command']})")
        rows = part["found"] if isinstance(part["found"], list) else [part["found"]]
        for row in rows:
            print("   ", "failed; see its log" if row is None else "  ".join(figures(row)))


def figures(row: dict[str, Any]) -> Iterator[str]:
    """Yield the figures of a row as text."""
    for name, value in row.items():
        yield f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


if __name__ == "__main__":
    main()
