"""Runs tests on a PostgreSQL server that it starts and stops itself.

    python -m tests.on_postgresql [pytest's arguments]

`make test` runs on SQLite, with journeys on both databases; this is for the tests in between: triggers, indexing,
retrieval and the API, whose SQL must mean the same on both.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

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
                [sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False
            ).returncode
        finally:
            postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
