"""Switching between two versions while people search: nobody notices, and every answer is wholly of one version."""

from collections.abc import Iterable

import pytest

from tests.journeys.load import Answer, Load
from tests.journeys.stack import Stack
from tests.journeys.versions import FINE, Place, Versions

pytestmark = pytest.mark.timeout(600)

SWITCHES = 200
SUBJECTS = ("lighthouses", "bakeries", "railways", "orchards", "harbours", "libraries", "glaciers", "violins")
SENTENCES = (
    "People who know {0} well keep a diary of everything that happens there.",
    "In winter the work at {0} begins before the sun is up, and nobody complains about it.",
    "A visitor once asked why {0} are painted white, and was given seven different answers.",
    "The oldest book on {0} was written by a physician who had never seen one.",
    "Every spring the children of the village draw {0} on the walls of the school.",
)
SWITCH = """
import time
from search.indexing import lifecycle
from search.models import IndexVersion
done = 0
for _ in range({count}):
    retired = IndexVersion.objects.get(collection__slug={slug!r}, state="retired")
    assert lifecycle.roll_back(retired).total == 0
    done += retired.state == "active"
    time.sleep(0.02)
print(done)
"""


@pytest.fixture
def versions(stack: Stack, slug: str) -> Versions:
    """Two versions of different chunking, both judged, so that taking either back is one transaction."""
    for subject in SUBJECTS:
        body = " ".join(sentence.format(subject) for sentence in SENTENCES)
        stack.put(slug, subject, title=f"On {subject}", body=body)
    stack.wait_indexed(slug)
    found = Versions(stack, slug)
    assert found.build(chunking=FINE) == 2
    assert found.act(1, "roll-back").status in (200, 202)
    found.wait(1, "active")
    return found


def mixed(answers: Iterable[Answer], places: dict[int, set[Place]]) -> list[Answer]:
    """Return the answers that have a chunk of another version than the one that they name."""
    return [
        answer
        for answer in answers
        for result in answer.body["results"]
        if (result["document"]["id"], result["chunk"]["start"], result["chunk"]["end"])
        not in places[answer.body["index_version"]]
    ]


def test_two_hundred_switches_under_load_fail_no_search_and_mix_no_answer(stack: Stack, versions: Versions) -> None:
    places = {number: versions.places(number) for number in (1, 2)}
    assert places[1] and places[2] and not places[1] & places[2]
    origins = [browser.origin for browser in stack.browsers]

    with Load(origins, versions.slug, [f"what is known about {subject}" for subject in SUBJECTS]) as load:
        switched = int(stack.shell(SWITCH.format(count=SWITCHES, slug=versions.slug)))

    assert switched == SWITCHES
    assert [(answer.status, answer.problem or answer.body) for answer in load.answers if not answer.fits] == []
    assert all(answer.body["results"] for answer in load.answers)
    assert mixed(load.answers, places) == []
    assert {answer.body["index_version"] for answer in load.answers} == {1, 2}
    print(f"\n{switched} switches, {len(load.answers)} answers on {stack.profile}, none failed, none mixed")  # noqa: T201
