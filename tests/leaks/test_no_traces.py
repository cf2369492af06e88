"""What a visitor is told stays the same, whether hidden documents are there or not: counts, words, progress."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from search.models import Collection
from tests.leaks.exits import search
from tests.leaks.world import KINDS, World, canaries, drain

pytestmark = pytest.mark.django_db
HIDDEN = ("staff", "sales", "legal", "draft")


def answers(client: Client, words: list[str]) -> dict[str, Any]:
    """Return what counts and proposes; ranks and scores may shift, as each text changes how rare a word is."""
    said: dict[str, Any] = {}
    for word in ["lantern", "harbour", *words, *(word[:5] + "x" + word[6:] for word in words)]:
        for mode in ("hybrid", "lexical", "dense"):
            answer = search(client, q=word, collection="handbook", mode=mode, facets="auto").json()
            kept = ("total", "total_relation", "facets", "did_you_mean", "pending_documents", "degraded_reasons")
            said |= {f"{key} of {mode} {word}": answer[key] for key in kept}
            said[f"{mode} {word}"] = sorted(result["document"]["id"] for result in answer["results"])
        said[f"suggest {word}"] = client.get("/api/v1/search/suggest/", {"q": word[:4]}).json()
    for address in ("/api/v1/collections/", "/api/v1/collections/handbook/", "/progress/?collection=handbook"):
        said[address] = client.get(address).text
    said["page"] = client.get("/", {"collection": "handbook"}).text
    return said


def test_documents_that_a_visitor_may_not_see_leave_no_trace(client: Client) -> None:
    Collection.objects.create(slug="handbook", name="Handbook")
    words = canaries()
    world = World()
    for name in ("public", "second"):
        world.add(replace(KINDS[0], name=name, collection="handbook", canary=next(words)))
    drain()
    hidden = [next(words) for _ in HIDDEN]
    before = answers(client, hidden)

    for kind, word in zip(HIDDEN, hidden, strict=True):
        paper = next(paper for paper in KINDS if paper.name == kind)
        world.add(replace(paper, collection="handbook", canary=word))
    while_pending = answers(client, hidden)
    drain()
    indexed = answers(client, hidden)

    for now in (while_pending, indexed):
        different = [f"{key}:\n  {before[key]}\n  {now[key]}" for key in before if before[key] != now[key]]
        assert not different, "\n".join(different)
