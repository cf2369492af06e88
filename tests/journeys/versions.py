"""The index versions of one collection, as the journeys ask for them and look at them."""

from typing import Any

from tests.journeys.browser import Page
from tests.journeys.stack import INDEX_SECONDS, Stack
from tests.servers import wait_until

FINE = {"max_tokens": 32, "overlap_tokens": 0}  # cuts the journeys' texts into several chunks each
Place = tuple[int, int, int]  # document, start, end


class Versions:
    """What a curator does with the versions of one collection: by the API, and by SQL where only rows tell."""

    def __init__(self, stack: Stack, slug: str) -> None:
        self.stack = stack
        self.slug = slug

    def all(self) -> dict[int, dict[str, Any]]:
        """Return every version by its number."""
        answer = self.stack.api.get("/api/v1/index-versions/", collection=self.slug)
        assert answer.status == 200, answer.text
        return {version["number"]: version for version in answer.json()["results"]}

    def get(self, number: int) -> dict[str, Any]:
        """Return one version."""
        return self.all()[number]

    def live(self) -> int:
        """Return the number of the version that is searched."""
        return next(number for number, version in self.all().items() if version["state"] == "active")

    def change(self, *, live: bool = True, **options: Any) -> int:
        """Change options of the collection; return the number that the candidate will have."""
        number = max(self.all()) + 1
        options["activate_when_ready"] = live
        answer = self.stack.api.send("PATCH", f"/api/v1/collections/{self.slug}/", options)
        assert answer.status == 200, answer.text
        return number

    def act(self, number: int, action: str, payload: Any = None) -> Page:
        """Ask something of a version, and return the answer, whatever it is."""
        return self.stack.api.send("POST", f"/api/v1/index-versions/{self.get(number)['id']}/{action}/", payload)

    def missed(self, number: int) -> dict[str, int]:
        """Return what taking a version back would have to apply."""
        counts: dict[str, int] = self.stack.api.get(f"/api/v1/index-versions/{self.get(number)['id']}/missed/").json()
        return counts

    def wait(self, number: int, state: str, *, seconds: float = INDEX_SECONDS) -> None:
        """Wait until a version is in a state."""
        seen: list[str] = []

        def reached() -> bool:
            version = self.all().get(number, {})
            seen[:] = [f"{version.get('state')}: {version.get('last_error')} {version.get('progress')}"]
            return version.get("state") == state

        try:
            wait_until(reached, seconds=seconds, what=f"version {number} of {self.slug} is {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None

    def build(self, **options: Any) -> int:
        """Change options, and wait until the candidate that this makes is live; return its number."""
        number = self.change(**options)
        self.wait(number, "active")
        return number

    def places(self, number: int) -> set[Place]:
        """Return where the version's chunks are in their documents."""
        rows = self.stack.sql(
            'SELECT document_id, start, "end" FROM search_chunk WHERE version_id = %s AND removed_generation IS NULL',
            [self.get(number)["id"]],
        )
        return {(int(row[0]), int(row[1]), int(row[2])) for row in rows}

    def differences(self, number: int) -> dict[str, list[str]]:
        """Return documents that the version lacks, has in another revision, or has though they are not published."""
        held = self.stack.sql(
            "SELECT i.document_id, i.revision, count(c.id) FROM search_indexeddocument i LEFT JOIN search_chunk c "
            "ON c.version_id = i.version_id AND c.document_id = i.document_id AND c.removed_generation IS NULL "
            "WHERE i.version_id = %s GROUP BY i.document_id, i.revision",
            [self.get(number)["id"]],
        )
        wanted = dict(
            self.stack.sql(
                "SELECT id, revision FROM search_document WHERE collection_id = %s AND state = 'published'",
                [self.stack.collection_id(self.slug)],
            )
        )
        there = {pk: (revision, chunks) for pk, revision, chunks in held}
        return {
            "lost": sorted(str(pk) for pk in wanted.keys() - there.keys()),
            "old": sorted(str(pk) for pk in wanted.keys() & there.keys() if there[pk][0] != wanted[pk]),
            "without chunks": sorted(str(pk) for pk in wanted.keys() & there.keys() if not there[pk][1]),
            "ghosts": sorted(str(pk) for pk in there.keys() - wanted.keys()),
        }

    def encoded(self) -> int:
        """Return how many texts were ever encoded for this collection."""
        return sum(version["encoded_chunks"] for version in self.all().values())


NO_DIFFERENCES: dict[str, list[str]] = {"lost": [], "old": [], "without chunks": [], "ghosts": []}
