"""The pages' own files: all of them vendored, small, and nothing fetched from anybody else."""

import re
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client

MAX_PAGE_BYTES = 150_000
ASSETS = ["site.css", "search.js", "favicon.svg", "htmx/htmx.min.js", "inter/inter-latin-wght-normal.woff2"]


def _path(name: str) -> Path:
    found = finders.find(f"search/{name}")
    assert isinstance(found, str), f"search/{name} is not among the static files"
    return Path(found)


def test_everything_a_page_loads_stays_below_150_kb_before_compression() -> None:
    assert sum(_path(name).stat().st_size for name in ASSETS) < MAX_PAGE_BYTES - 10_000


def test_stylesheet_and_script_load_nothing_from_elsewhere() -> None:
    for name in ("site.css", "search.js"):
        assert not re.search(r"https?://|@import", _path(name).read_text(encoding="utf-8"))


def test_vendored_files_come_with_their_licences() -> None:
    assert "BSD" in _path("htmx/LICENSE").read_text(encoding="utf-8")
    assert "SIL Open Font License" in _path("inter/LICENSE").read_text(encoding="utf-8")


def test_files_have_names_by_their_content_and_browsers_keep_them_for_ever(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    others = ["admin", "unfold", "rest_framework", "drf_spectacular_sidecar", "import_export", "*.svg"]
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)
    address = staticfiles_storage.url("search/site.css")

    answer = Client().get(address)

    assert re.fullmatch(r"/static/search/site\.[0-9a-f]{12}\.css", address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "immutable" not in Client().get("/static/search/site.css").headers["Cache-Control"]
