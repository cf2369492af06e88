"""Runs tests on a PostgreSQL server that it starts and stops itself.

    python -m tests.on_postgresql [pytest's arguments]

`make test` runs on SQLite, with journeys on both databases; this is for the tests in between: triggers, indexing,
retrieval and the API, whose SQL must mean the same on both. Tests that never come to a database are left out here.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.test import SimpleTestCase

from tests.servers import Postgres


def main() -> int:
    """Return pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="semsearch-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = Postgres(folder)
        postgres.start()
        try:
            environment = {
                **os.environ,
                "DATABASE_URL": postgres.create_database("semsearch"),
                "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.test",
            }
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-p", "tests.on_postgresql", *sys.argv[1:]],
                env=environment,
                check=False,
            ).returncode
        finally:
            postgres.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what SQLite's run has shown already: tests without a database."""
    left_out = [item for item in items if not _uses_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _uses_database(item)]


def _uses_database(item: pytest.Item) -> bool:
    of_django = issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    return of_django or bool(fixtures) or item.get_closest_marker("django_db") is not None


if __name__ == "__main__":
    sys.exit(main())
