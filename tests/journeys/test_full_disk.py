"""The index's disk is full: indexing stops with a clear state and goes on by itself; searching never stops.

The disk is a small tmpfs, mounted in a namespace of its own so that nobody else sees it. Where neither root nor a
user namespace may mount one, the test says so by name; the fault matrix meets ENOSPC at every failpoint anyway.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from semsearch_project.launch import BASE_DIR

pytestmark = pytest.mark.timeout(300)

_MOUNT = 'mkdir -p "$1" && mount -t tmpfs -o size=6m tmpfs "$1" && shift && exec "$@"'


def in_namespace(mounted: Path, *command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that sees a small tmpfs at `mounted`."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-rm"]
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    return subprocess.run(
        [*unshare, "sh", "-c", _MOUNT, "sh", str(mounted), *command],
        env={**env, "SEMSEARCH_DATA_DIR": str(folder)}, cwd=BASE_DIR, capture_output=True, text=True, timeout=240,
    )  # fmt: skip


def test_a_full_disk_stops_indexing_with_a_reason_and_nothing_else_and_it_goes_on_by_itself(tmp_path: Path) -> None:
    if in_namespace(tmp_path / "try", "true", folder=tmp_path).returncode:
        pytest.skip("mounting a tmpfs needs root or user namespaces; the fault matrix meets ENOSPC at every failpoint")
    script = (
        "import sys; from pathlib import Path; from tests.journeys import fault_cells;"
        "fault_cells.begin('full_disk', Path(sys.argv[1]), {})"
    )
    done = in_namespace(tmp_path / "index", sys.executable, "-c", script, str(tmp_path), folder=tmp_path)
    log = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{log[-5000:]}"
    assert json.loads((tmp_path / "outcome.json").read_text()) == [], log[-5000:]
