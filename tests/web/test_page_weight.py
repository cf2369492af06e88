"""What a page of results costs on the wire, all its files included, and that it asks nobody else for anything."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from search.models import Document
from search.web.content_policy import CONTENT_SECURITY_POLICY

Make = Callable[..., Document]
Drain = Callable[[], int]
MAX_BYTES = 150_000
pytestmark = pytest.mark.django_db


def test_a_page_of_results_with_all_its_files_is_below_150_kb_compressed(
    client: Client, make_document: Make, indexed: Drain
) -> None:
    for number in range(20):
        make_document(title=f"Bread {number}", body="Knead the bread dough well and let it rest. " * 12)
    indexed()
    page = client.get("/", {"q": "bread"})
    files = set(re.findall(r'(?:src|href)="/static/([^"]+)"', page.text))

    weight = len(gzip.compress(page.content))
    for name in files:
        path = finders.find(name)
        assert isinstance(path, str), name
        weight += len(gzip.compress(Path(path).read_bytes()))

    assert {"search/site.css", "search/search.js", "search/inter/inter-latin-wght-normal.woff2"} <= files
    assert weight < MAX_BYTES


def test_every_page_of_ours_is_strict_and_asks_nobody_else(client: Client, make_document: Make) -> None:
    document = make_document(body="<script src='https://evil.example/x.js'></script> ![x](https://evil.example/x.png)")
    one = f"/documents/{document.pk}/"

    for path in (
        "/",
        "/?q=bread",
        "/?collection=nope",
        one,
        f"{one}similar/",
        "/nowhere/",
        "/progress/?collection=docs",
    ):
        page = client.get(path)
        assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, path
        assert not re.search(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?//', page.text), path
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", page.text), path
    assert "unsafe" not in CONTENT_SECURITY_POLICY
