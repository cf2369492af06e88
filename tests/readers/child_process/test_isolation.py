"""What a reading process can no longer do, tried from inside by a reader that tries (`escapes.py`)."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.readers.base import Limits
from search.readers.child_process.sandbox import Sandbox
from tests.readers.escapes import FORMATS

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(memory_bytes=200 << 20), readers=FORMATS) as opened:
        yield opened


@pytest.fixture(scope="module")
def walls() -> str:
    """Which walls this kernel allows, besides those that always stand."""
    asked = (
        "from pathlib import Path; from search.readers.child_process.isolation import renounce; "
        "print(renounce([Path('/')], Path('/')))"
    )
    return subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=PROJECT).stdout


def came_of(sandbox: Sandbox, folder: Path, *lines: str) -> list[str]:
    file = folder / "file.escape"
    file.write_text("\n".join(lines))
    return [record.values["came of it"] for record in sandbox.read(file, file.name, format="escape").records]


def test_it_opens_no_connection(sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        [outcome] = came_of(sandbox, tmp_path, f"connect {server.getsockname()[1]}")
    assert outcome == "refused: Refused"


def test_it_writes_and_removes_no_file(sandbox: Sandbox, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    outcomes = came_of(sandbox, tmp_path, f"write {tmp_path}/new.txt", f"write {kept}", f"remove {kept}")
    assert outcomes == ["refused: Refused"] * 3
    assert kept.read_text() == "kept"
    assert not (tmp_path / "new.txt").exists()


def test_it_reads_no_other_file(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    outcomes = came_of(
        sandbox, tmp_path, f"read {tmp_path}/secret.txt", "read /etc/passwd", f"read {PROJECT}/manage.py"
    )
    assert outcomes == ["refused: Refused"] * 3


def test_it_starts_no_program_and_no_process(sandbox: Sandbox, tmp_path: Path) -> None:
    assert came_of(sandbox, tmp_path, "run", "fork") == ["refused: Refused"] * 2


def test_it_may_import_what_it_still_needs(sandbox: Sandbox, tmp_path: Path) -> None:
    assert (
        came_of(sandbox, tmp_path, "import xml.sax.saxutils", "import search.readers.documents.dates") == ["done"] * 2
    )


def test_native_code_stands_before_the_kernels_walls(sandbox: Sandbox, tmp_path: Path, walls: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connected, written, read = came_of(
            sandbox, tmp_path, f"connect-natively {port}", f"write-natively {tmp_path}/new.txt",
            f"read-natively {tmp_path}/secret.txt",
        )  # fmt: skip
    assert connected == ("refused" if "namespaces" in walls or "landlock" in walls else "done")
    assert (written, read) == (("refused", "refused") if "landlock" in walls else ("done", "done"))
    assert (tmp_path / "new.txt").exists() == ("landlock" not in walls)


def test_it_holds_the_file_and_the_pipe_and_nothing_else(sandbox: Sandbox, tmp_path: Path) -> None:
    assert came_of(sandbox, tmp_path, "descriptors") == ["[0, 1, 2, 3, 4]"]


def test_its_environment_holds_no_secrets(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "a secret")
    with Sandbox(Limits(), readers=FORMATS) as other:
        [names] = came_of(other, tmp_path, "environment")
    assert "HOME" in names
    assert "SECRET" not in names
    assert os.environ["DJANGO_SECRET_KEY"]
