"""Two workers share the encoding of a long queue, each text once."""

from collections import Counter
from collections.abc import Iterator

import pytest

from semsearch_project.launch import installation as programs
from tests.journeys.stack import Stack
from tests.servers import Server

pytestmark = pytest.mark.timeout(300)

MANY = 1_500
SUBJECTS = ["harbour", "river", "market", "letter", "engine", "winter", "garden", "signal", "window", "mirror"]

# What a worker wants to store counts, also where it turns out to be known already; so does a stretch that is soon done.
NOTES = {"search_embedding": "text_hash", "search_encodingclaim": "holder"}


def watch(stack: Stack, table: str, column: str) -> None:
    """Note in a table of its own whatever is inserted into `table`."""
    stack.sql(f"CREATE TABLE noted_{table} ({column} varchar(400))")
    note = f"INSERT INTO noted_{table} VALUES (NEW.{column});"
    if stack.postgres is None:
        stack.sql(f"CREATE TRIGGER note_{table} BEFORE INSERT ON {table} BEGIN {note} END")
        return
    stack.sql(
        f"CREATE FUNCTION note_{table}() RETURNS trigger AS $$ BEGIN {note} RETURN NEW; END $$ LANGUAGE plpgsql;"
        f"CREATE TRIGGER note_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION note_{table}();"
    )


def unwatch(stack: Stack, table: str) -> None:
    """Leave the database as it was."""
    stack.sql(f"DROP TRIGGER note_{table}" + (f" ON {table}" if stack.postgres else ""))
    if stack.postgres:
        stack.sql(f"DROP FUNCTION note_{table}")
    stack.sql(f"DROP TABLE noted_{table}")


@pytest.fixture
def watched(stack: Stack) -> Iterator[Stack]:
    """An installation whose database notes every vector and every stretch of a queue that a worker takes."""
    for table, column in NOTES.items():
        watch(stack, table, column)
    yield stack
    for table in NOTES:
        unwatch(stack, table)


@pytest.fixture
def second(stack: Stack) -> Iterator[Server]:
    """A second worker on the same broker, database and folder."""
    command = [*programs("127.0.0.1", 1)[1].command, "--hostname=second@%h"]
    worker = Server("second", command, log=stack.folder / "second.log", env=stack.env)
    worker.start(lambda: " ready." in worker.log.read_text(errors="replace"))
    yield worker
    worker.kill()


def bring_in(stack: Stack, slug: str) -> None:
    """Write many documents at once."""
    stack.shell(
        "from search.models import Collection, Document\n"
        f"collection, subjects = Collection.objects.get(slug='{slug}'), {SUBJECTS}\n"
        "Document.objects.bulk_create([Document(collection=collection, external_id=f'd{n}', title=f'Place {n}', "
        "body=f'What the {subjects[n % 10]} of {collection.slug} {n} has to do with '"
        "f'the {subjects[n // 10 % 10]} {n * 7}.') "
        f"for n in range({MANY})])"
    )


def test_two_workers_encode_each_text_once(watched: Stack, second: Server, slug: str) -> None:
    bring_in(watched, slug)
    watched.wait_indexed(slug, 120)
    assert watched.sql("SELECT holder FROM noted_search_encodingclaim"), "no worker encoded ahead of the writer"
    counted = Counter(row[0] for row in watched.sql("SELECT text_hash FROM noted_search_embedding"))
    assert len(counted) == MANY
    assert {text: times for text, times in counted.items() if times > 1} == {}
    assert "d1234" in watched.found(f"What has {slug} 1234 to do with the letter 8638", slug)
