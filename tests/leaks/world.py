"""A corpus of which each document has a word that nobody knows without reading it, and a plain rule for who may.

The rule is written here once more, in plain Python over plain values, so that the product is not its own judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth.models import Group

from search.indexing import applier
from search.models import Collection, Document

SHARED_WORD = "lantern"
COLLECTIONS = ("handbook", "finance")
GROUPS = ("sales", "legal")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


@dataclass(frozen=True)
class Paper:
    """A document as the test knows it: who may see it now, and its own word."""

    name: str
    collection: str
    canary: str
    state: str = "published"
    visibility: str = "public"
    groups: frozenset[str] = frozenset()


@dataclass
class World:
    """The papers by name as they are now, the primary keys of their rows, and the words that some had before."""

    papers: dict[str, Paper] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    old_canaries: dict[str, str] = field(default_factory=dict)

    def told(self, text: str) -> set[str]:
        """Return the names of the papers whose word is in `text`; "NAME as it was" for a word that one had."""
        text = text.lower()
        old = {f"{name} as it was" for name, canary in self.old_canaries.items() if canary in text}
        return old | {paper.name for paper in self.papers.values() if paper.canary in text}

    def document(self, name: str) -> Document:
        return Document.objects.get(pk=self.ids[name])

    def add(self, paper: Paper) -> None:
        """Write a document for the paper."""
        word = paper.canary
        document = Document.objects.create(
            collection=Collection.objects.get(slug=paper.collection),
            external_id=f"id-{word}",
            title=f"{word} report",
            body=f"The {SHARED_WORD} of {word} is lit. " + _filler(word),
            url=f"https://example.org/{word}",
            metadata={"code": word, "team": paper.name.split("-")[-1], "tags": [f"tag{word}"]},
            state=paper.state,
            visibility=paper.visibility,
        )
        document.groups.set(Group.objects.filter(name__in=paper.groups))
        self.papers[paper.name] = paper
        self.ids[paper.name] = document.pk

    def of_kind(self, kind: str) -> list[str]:
        """Return the names of the papers of a kind."""
        return [name for name in self.papers if name.endswith(f"-{kind}")]

    def change(self, name: str, *, state: str | None = None, visibility: str | None = None) -> None:
        """Write to a document behind the index's back; the index learns of it later."""
        changed: dict[str, Any] = {
            key: value for key, value in (("state", state), ("visibility", visibility)) if value is not None
        }
        Document.objects.filter(pk=self.ids[name]).update(**changed)
        self.papers[name] = replace(self.papers[name], **changed)

    def regroup(self, name: str, groups: frozenset[str]) -> None:
        """Give a document to other groups."""
        self.document(name).groups.set(Group.objects.filter(name__in=groups))
        self.papers[name] = replace(self.papers[name], groups=groups)

    def delete(self, name: str) -> None:
        """Delete a document; its word must not be told to anybody."""
        self.document(name).delete()
        self.papers[name] = replace(self.papers[name], state="deleted")

    def rewrite(self, name: str, canary: str) -> None:
        """Give a document another word; nobody may be told the old one."""
        paper = self.papers[name]
        document = self.document(name)
        for key in ("title", "body", "url", "external_id"):
            setattr(document, key, getattr(document, key).replace(paper.canary, canary))
        document.metadata = {**document.metadata, "code": canary, "tags": [f"tag{canary}"]}
        document.save()
        self.old_canaries[name] = paper.canary
        self.papers[name] = replace(paper, canary=canary)


def make_world() -> World:
    """A collection with a paper of every visibility and state, and a smaller one; indexed."""
    for name in GROUPS:
        Group.objects.get_or_create(name=name)
    world = World()
    words = canaries()
    for slug in COLLECTIONS:
        Collection.objects.create(slug=slug, name=slug.title())
        for kind in KINDS if slug == "handbook" else [kind for kind in KINDS if kind.name in IN_FINANCE]:
            world.add(replace(kind, name=f"{slug}-{kind.name}", collection=slug, canary=next(words)))
    drain()
    return world


def drain() -> None:
    """Apply everything that is pending."""
    for pk in Collection.objects.values_list("pk", flat=True):
        applier.drain(pk, budget_seconds=60)


def canaries() -> Iterator[str]:
    """Yield made-up words of nine letters, no two alike in more than a few."""
    for number in range(1, 10_000):
        syllables, rest = [], number * 7_919
        for _ in range(4):
            rest, consonant = divmod(rest, len(_CONSONANTS))
            rest, vowel = divmod(rest + number, len(_VOWELS))
            syllables.append(_CONSONANTS[consonant] + _VOWELS[vowel])
        yield "".join(syllables) + "q"


def _filler(word: str) -> str:
    """A body long enough for several chunks, the word in each."""
    return " ".join(f"Sentence {number} about {word} and the evening light of harbour towns." for number in range(12))


KINDS = (
    Paper("public", "", ""),
    Paper("demoted", "", ""),  # public until its visibility changes behind the index's back
    Paper("staff", "", "", visibility="staff"),
    Paper("sales", "", "", visibility="groups", groups=frozenset({"sales"})),
    Paper("legal", "", "", visibility="groups", groups=frozenset({"legal"})),
    Paper("both", "", "", visibility="groups", groups=frozenset({"sales", "legal"})),
    Paper("draft", "", "", state="draft"),
    Paper("archived", "", "", state="archived"),
    Paper("withdrawn", "", ""),  # published until it is made a draft behind the index's back
    Paper("deleted", "", ""),
)
IN_FINANCE = ("public", "demoted", "sales", "withdrawn")
