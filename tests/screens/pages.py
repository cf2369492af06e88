"""The pages that are looked at, each in a state of its own, and a started installation that has them all."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsearch_project.launch import BASE_DIR
from tests.journeys.stack import Stack
from tests.screens.furnish import COLLECTIONS, NOBODY_FOUND, QUERIES


@dataclass(frozen=True, slots=True)
class Shown:
    """A page by its address, for people who have signed in to the admin or for visitors."""

    name: str
    path: str
    signed_in: bool = False


@contextmanager
def installation() -> Iterator[tuple[Stack, dict[str, Any]]]:
    """Start an installation of its own with a corpus, judgments, rules and a log of searches; yield it and its ids."""
    folder = Path(tempfile.mkdtemp(prefix="semsearch-"))
    stack = Stack("sqlite", folder)
    try:
        stack.start()
        ids = _furnished(stack)
        for slug in COLLECTIONS:
            stack.wait_indexed(slug)
        for query in (*QUERIES, *NOBODY_FOUND):
            stack.search(query, "handbook")
        stack.shell("from tests.screens import furnish; furnish.asked()")
        yield stack, ids
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _furnished(stack: Stack) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.screens.furnish"], env=stack.env, cwd=BASE_DIR, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    ids: dict[str, Any] = json.loads(done.stdout)
    return ids


def visitors_pages(ids: dict[str, Any]) -> list[Shown]:
    """Return what people see who have no account."""
    document, ask = ids["documents"]["handbook"]["annual-leave"], "/?collection=handbook&q="
    return [
        Shown("start", "/"),
        Shown("collection", "/?collection=handbook"),
        Shown("results", f"{ask}how+many+days+off+do+I+get"),
        Shown("results-two-collections", "/?collection=handbook,handbuch&q=laptop"),
        Shown("results-narrowed", f"{ask}phone&filter=language:en"),
        Shown("results-by-title", f"{ask}leave&sort=title"),
        Shown("nothing", f"{ask}%22qwertyuiop+asdfgh%22"),
        Shown("no-good-match", f"{ask}recipe+for+goulash+with+dumplings"),
        Shown("bad-query", f"{ask}date:yesterdayish"),
        Shown("arabic", "/?collection=dalil&q=%D8%A5%D8%AC%D8%A7%D8%B2%D8%A9"),
        Shown("document", f"/documents/{document}/"),
        Shown("document-with-passages", f"/documents/{document}/?q=how+many+days+off"),
        Shown("unknown-collection", "/?collection=nowhere&q=x"),
        Shown("404", "/nothing-here/"),
    ]


def admin_pages(ids: dict[str, Any]) -> list[Shown]:
    """Return the admin's pages that are ours, and its lists and forms."""
    document, handbook = ids["documents"]["handbook"]["annual-leave"], ids["handbook"]
    paths = {
        "home": "",
        "collections": "search/collection/",
        "collection": f"search/collection/{handbook}/change/",
        "first-steps": "search/collection/first-steps/",
        "steps": f"search/collection/{handbook}/first-steps/",
        "documents": "search/document/",
        "document": f"search/document/{document}/change/",
        "document-history": f"search/document/{ids['changed_document']}/history/",
        "document-revision": f"search/document/{ids['changed_document']}/history/2/",
        "similar": f"search/document/{document}/similar/",
        "bulk-changes": "search/bulkchange/",
        "bulk-change": f"search/bulkchange/{ids['bulk_change']}/change/",
        "new-document": "search/document/add/",
        "imports": "search/importjob/",
        "new-import": "search/importjob/add/",
        "duplicates": "search/duplicatepair/",
        "versions": "search/indexversion/",
        "version": "search/indexversion/1/change/",
        "pending": "search/pendingchange/",
        "query-reports": "search/searchlog/reports/",
        "search-log": "search/searchlog/",
        "rules": "search/curationrule/",
        "rule": f"search/curationrule/{ids['rule']}/change/",
        "synonyms": "search/synonymset/",
        "synonym-group": f"search/synonymset/{ids['synonyms']}/change/",
        "query-sets": "search/evaluationqueryset/",
        "query-set": f"search/evaluationqueryset/{ids['query_set']}/change/",
        "runs": "search/evaluationrun/",
        "tokens": "search/apitoken/",
        "new-token": "search/apitoken/add/",
    }
    return [Shown(f"admin-{name}", f"/admin/{path}", signed_in=True) for name, path in paths.items()]
