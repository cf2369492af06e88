"""Every way in which something of a document leaves the process, as a function of who asks.

Each returns the names of the papers that the answers told of. What the asker has written is taken out of an answer
before it is looked at: an echo tells nothing new.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client

from tests.leaks.surroundings import addresses
from tests.leaks.world import COLLECTIONS, SHARED_WORD, World

Told = Callable[[Client, World], set[str]]
Parameters = dict[str, Any]
BOTH = ",".join(COLLECTIONS)


@dataclass(frozen=True)
class Exit:
    """One way out. `searching`: what a search may tell; otherwise what may be read. `complete`: and all of that."""

    name: str
    told: Told
    searching: bool = True
    complete: bool = False
    of_both: bool = False
    """Whether it asks in both collections at once only, which a token for one of them may not."""
    scope: str = "search:read"
    """The scope that a token needs here; "" where tokens are no way in, "*" where several ways are gone."""


EXITS: list[Exit] = []


def way_out(**attributes: Any) -> Callable[[Told], Told]:
    """Put a function on the list, named after itself."""

    def note(told: Told) -> Told:
        EXITS.append(Exit(told.__name__, told, **attributes))
        return told

    return note


def text_of(response: Any) -> str:
    """Return everything that an answer says, files in an archive included."""
    content = b"".join(response.streaming_content) if getattr(response, "streaming", False) else response.content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"\n".join(archive.read(name) for name in archive.namelist())
    said = [content.decode("utf-8", "replace"), *(f"{key}: {value}" for key, value in response.items())]
    return "\n".join(said)


def found(response: Any) -> str:
    """Return what a search answered, without what was asked."""
    if response.status_code != 200:
        return ""
    answer = response.json()
    return json.dumps({key: value for key, value in answer.items() if key not in ("query", "filters")})


def search(client: Client, **asked: Any) -> Any:
    """Ask the API, in both collections unless told otherwise."""
    parameters: Parameters = {"q": SHARED_WORD, "collection": BOTH, "k": 100, **asked}
    return client.get("/api/v1/search/", parameters)


def in_each(client: Client, world: World, **asked: Any) -> set[str]:
    """Ask in each collection by itself and in both at once."""
    return {
        name for slug in (*COLLECTIONS, BOTH) for name in world.told(found(search(client, collection=slug, **asked)))
    }


@way_out(complete=True)
def hybrid_search(client: Client, world: World) -> set[str]:
    return in_each(client, world)


@way_out(complete=True)
def lexical_search(client: Client, world: World) -> set[str]:
    return in_each(client, world, mode="lexical")


@way_out(complete=True)
def dense_search(client: Client, world: World) -> set[str]:
    return in_each(client, world, mode="dense")


@way_out()
def search_in_the_default_collection(client: Client, world: World) -> set[str]:
    asked: Parameters = {"q": SHARED_WORD, "k": 100}
    return world.told(found(client.get("/api/v1/search/", asked)))


@way_out(complete=True, of_both=True)
def search_by_post(client: Client, world: World) -> set[str]:
    asked = json.dumps({"q": SHARED_WORD, "collection": BOTH, "k": 100})
    return world.told(found(client.post("/api/v1/search/", asked, content_type="application/json")))


@way_out(complete=True)
def sorted_search(client: Client, world: World) -> set[str]:
    return in_each(client, world, sort="newest", weak="true") | in_each(client, world, sort="title")


@way_out(complete=True)
def explained_search(client: Client, world: World) -> set[str]:
    return {n for slug in COLLECTIONS for n in world.told(found(search(client, collection=slug, explain="true")))}


@way_out(complete=True, of_both=True)
def all_pages_of_a_search(client: Client, world: World) -> set[str]:
    names, cursor = set(), ""
    for _ in range(30):
        response = search(client, k=3, cursor=cursor)
        names |= world.told(found(response))
        cursor = response.json()["next_cursor"] if response.status_code == 200 else ""
        if not cursor:
            break
    return names


@way_out()
def a_search_for_the_word_itself(client: Client, world: World) -> set[str]:
    """By its count: an answer that counts what it does not show tells that it is there."""
    names = set()
    for paper in world.papers.values():
        response = search(client, q=f'"{paper.canary}"', collection=paper.collection, mode="lexical")
        if response.status_code == 200 and (response.json()["total"] or paper.canary in found(response)):
            names.add(paper.name)
    return names


@way_out(complete=True)
def filters(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        for condition in (f"metadata.code:{paper.canary}", f"tag:tag{paper.canary}"):
            response = search(client, filter=condition, collection=paper.collection)
            if response.status_code == 200 and response.json()["total"]:
                names.add(paper.name)
    return names


@way_out()
def facets(client: Client, world: World) -> set[str]:
    names = set()
    for slug in (*COLLECTIONS, BOTH):
        for asked in ("auto", "metadata.code,tag,url,title"):
            response = search(client, collection=slug, facets=asked, k=1)
            if response.status_code == 200:
                names |= world.told(json.dumps(response.json()["facets"]))
    return names


@way_out()
def did_you_mean(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        mistyped = paper.canary[:5] + "x" + paper.canary[6:]
        names |= world.told(found(search(client, q=f"{mistyped} harbour", collection=paper.collection)))
    return names


@way_out()
def suggestions(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        asked: Parameters = {"q": paper.canary[:4], "collection": paper.collection}
        names |= world.told(text_of(client.get("/api/v1/search/suggest/", asked)))
    return names


@way_out(scope="")
def suggestions_on_the_page(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        response = client.get("/suggest/", {"q": paper.canary[:4], "collection": paper.collection})
        names |= world.told(text_of(response))
    return names


@way_out()
def like_a_text(client: Client, world: World) -> set[str]:
    names = set()
    for slug in COLLECTIONS:
        asked = {"text": "the evening light of harbour towns", "collection": slug, "k": 100}
        response = client.post("/api/v1/search/similar/", json.dumps(asked), content_type="application/json")
        names |= world.told(text_of(response))
    return names


@way_out()
def like_a_document(client: Client, world: World) -> set[str]:
    """What is like a document; and that it exists, by any other answer than "no such document"."""
    names = set()
    for paper in world.papers.values():
        response = client.get(f"/api/v1/documents/{world.ids[paper.name]}/similar/", {"k": 100})
        names |= world.told(text_of(response)) | ({paper.name} if response.status_code == 200 else set())
    return names


@way_out(searching=False, scope="documents:read")
def explanations(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        asked: Parameters = {"q": SHARED_WORD, "document": world.ids[paper.name]}
        response = client.get("/api/v1/search/explain/", asked)
        names |= world.told(text_of(response)) | ({paper.name} if response.status_code == 200 else set())
    return names


@way_out(searching=False, complete=True, scope="documents:read")
def the_list_of_documents(client: Client, world: World) -> set[str]:
    names, address = set(), "/api/v1/documents/?page_size=7"
    while address:
        response = client.get(address)
        names |= world.told(text_of(response))
        address = (response.json().get("next") or "") if response.status_code == 200 else ""
    return names


@way_out(searching=False, complete=True, scope="documents:read")
def documents_by_id(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        response = client.get(f"/api/v1/documents/{world.ids[paper.name]}/")
        names |= world.told(text_of(response)) | ({paper.name} if response.status_code == 200 else set())
    return names


@way_out(searching=False, complete=True, scope="documents:read")
def documents_by_external_id(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        address = f"/api/v1/collections/{paper.collection}/documents/id-{paper.canary}/"
        response = client.get(address)
        if response.status_code == 200:
            names |= world.told(text_of(response))
        head = client.head(address)
        names |= {paper.name} if head.status_code == 200 else set()
    return names


@way_out(searching=False, scope="documents:read")
def exports(client: Client, world: World) -> set[str]:
    names = set()
    for slug in COLLECTIONS:
        for file in ("export.jsonl", "export.csv", "export.zip"):
            names |= world.told(text_of(client.get(f"/api/v1/collections/{slug}/{file}")))
    return names


@way_out(complete=True, scope="")
def the_search_page(client: Client, world: World) -> set[str]:
    names = set()
    for slug in (*COLLECTIONS, BOTH):
        narrowings: tuple[Parameters, ...] = ({}, {"mode": "lexical"}, {"filter": "metadata.team:public"})
        for narrowing in narrowings:
            asked = {"q": SHARED_WORD, "collection": slug, "k": 100, **narrowing}
            response = client.get("/", asked)
            names |= world.told(text_of(response))
    return names


@way_out(complete=True, scope="")
def document_pages(client: Client, world: World) -> set[str]:
    names = set()
    for paper in world.papers.values():
        response = client.get(f"/documents/{world.ids[paper.name]}/", {"q": SHARED_WORD})
        names |= world.told(text_of(response)) | ({paper.name} if response.status_code == 200 else set())
    return names


@way_out(searching=False, scope="*")
def every_address_of_the_api(client: Client, world: World) -> set[str]:
    """Whatever can be read by GET alone; an answer may quote the address, which is taken out."""
    names = set()
    for address in addresses(world):
        response = client.get(address)
        if response.status_code not in (401, 403, 404):
            names |= world.told(text_of(response).replace(address, ""))
    return names


def foreign_cursors(owner: Client) -> Iterator[str]:
    """Yield the cursors of somebody's search, to be used by somebody else."""
    cursor = search(owner, k=2).json()["next_cursor"]
    while cursor:
        yield cursor
        cursor = search(owner, k=2, cursor=cursor).json()["next_cursor"]
