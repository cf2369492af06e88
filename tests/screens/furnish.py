"""Fills an installation that was just started with what it would hold after some weeks, for pictures of its pages.

Runs as a program of its own in the installation's environment (`python -m tests.screens.furnish`), before anybody
looks. Prints the ids of what it made as JSON. Encodes nothing: the installation's worker does, as always.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import django

TEXTS = Path(__file__).parent / "texts"
PASSWORD = "a-password-for-pictures"
COLLECTIONS = {
    "handbook": (
        "Employee handbook",
        "How we work at Larkfield Instruments: leave, money, IT, the building, customers.",
    ),
    "handbuch": ("Handbuch", "Das Wichtigste aus dem Handbuch auf Deutsch."),
    "dalil": ("دليل الموظف", "أهم ما في دليل الموظف."),
}
QUERIES = {  # the query, and what answers it with which grade
    "how many days off do I get": {"annual-leave": 3, "sick-leave": 1, "parental-leave": 1},
    "my laptop was stolen on the train": {"lost-device": 3, "laptop": 1},
    "who pays for my desk at home": {"remote-work": 3, "expenses": 1},
    "a customer shouts at me": {"complaints": 3},
    "what to do when it burns": {"fire-alarm": 3, "first-aid": 1},
    "can I bring my bike inside": {"bicycles": 3},
    "when does my salary arrive": {"payslip": 3},
    "I clicked on a link in a strange mail": {"phishing": 3, "passwords": 1},
}
NOBODY_FOUND = ("dress code", "company pets", "lottery", "tax return help", "gym membership")


def main() -> None:
    """Make everything that needs no index; print the ids."""
    django.setup()
    made = {"documents": collections(), "people": people()}
    made |= judged() | curated() | doubled() | changed()
    sys.stdout.write(json.dumps(made))


def collections() -> dict[str, dict[str, int]]:
    """Make the collections with their documents; return ids by slug and external id."""
    from search.models import Collection, Document

    for slug, (name, description) in COLLECTIONS.items():
        collection = Collection.objects.create(slug=slug, name=name, description=description)
        with (TEXTS / f"{slug}.jsonl").open(encoding="utf-8") as lines:
            Document.objects.bulk_create(Document(collection=collection, **json.loads(line)) for line in lines)
    handbook = Collection.objects.get(slug="handbook")
    Document.objects.create(
        collection=handbook, external_id="pay-bands", title="Pay bands 2027", visibility="staff", state="draft",
        body="Not decided yet. The table is published in March, for everybody.", metadata={"department": "People"},
    )  # fmt: skip
    found: dict[str, dict[str, int]] = {}
    for slug, external_id, pk in Document.objects.values_list("collection__slug", "external_id", "pk"):
        found.setdefault(slug, {})[external_id] = pk
    return found


def people() -> dict[str, str]:
    """Make one person for each role that there is, and one without any."""
    from django.contrib.auth.models import Group, User

    User.objects.create_user("visitor", password=PASSWORD)
    for group in Group.objects.all():
        person = User.objects.create_user(group.name.lower(), password=PASSWORD, is_staff=True)
        person.groups.add(group)
    return {user.username: PASSWORD for user in User.objects.exclude(is_superuser=True)}


def judged() -> dict[str, int]:
    """Make a query set with judgments and two runs, which the worker does once the index is there."""
    from search.evaluation import query_sets
    from search.models import Collection, EvaluationQuery, Judgment

    made = query_sets.create(Collection.objects.get(slug="handbook"), "What new colleagues ask")
    for number, (text, grades) in enumerate(QUERIES.items(), 1):
        query = EvaluationQuery.objects.create(query_set=made, external_id=f"q{number}", text=text)
        Judgment.objects.bulk_create(Judgment(query=query, external_id=e, grade=g) for e, g in grades.items())
    return {"query_set": made.pk, "query": EvaluationQuery.objects.earliest("pk").pk}


def curated() -> dict[str, int]:
    """Make a rule and synonyms."""
    from search.models import Collection, CurationRule, SynonymSet

    handbook = Collection.objects.get(slug="handbook")
    rule = CurationRule.objects.create(
        collection=handbook, match="meaning", queries="somebody is hurt\nan accident in the workshop", action="pin",
        external_id="first-aid", note="Seconds count: first aid comes first.",
    )  # fmt: skip
    synonyms = SynonymSet.objects.create(collection=handbook, words="PTO, paid time off, holiday, annual leave")
    return {"rule": rule.pk, "synonyms": synonyms.pk}


def doubled() -> dict[str, int]:
    """Add a document that says nearly the same as another one, for the report of duplicates."""
    from search.models import Collection, Document

    handbook = Collection.objects.get(slug="handbook")
    first = Document.objects.get(collection=handbook, external_id="vpn")
    Document.objects.create(
        collection=handbook, external_id="vpn-old", title="Reaching internal systems from outside (2024)",
        body=first.body.replace("on your phone", "with the token"), url=first.url, language="en",
        metadata=first.metadata | {"date": "2024-10-01"},
    )  # fmt: skip
    return {"handbook": handbook.pk}


def changed() -> dict[str, int]:
    """Change a document twice and some together, for the pages that tell of it."""
    from django.contrib.auth.models import User

    from search import tasks
    from search.authorship import Author, written_by
    from search.ingestion.bulk_changes import Action, Wanted
    from search.models import Document

    curator = User.objects.get(username="curator")
    document = Document.objects.get(external_id="bicycles")
    written = document.body
    for body in (written.replace(".", ". Ask at the desk.", 1), written):
        document.body = body
        with written_by(lambda: Author("admin", curator.pk)):
            document.save()
    some = Document.objects.filter(external_id__in=["vpn-old", "pay-bands"])
    change = tasks.start_bulk_change(some, Wanted(Action.REINDEX), by=curator)
    return {"changed_document": document.pk, "bulk_change": change.pk}


def asked() -> None:
    """Give the log of searches a past: what people asked over three weeks, with and without an answer."""
    from django.utils import timezone

    from search.models import SearchLog

    now = timezone.now()
    for number, log in enumerate(SearchLog.objects.order_by("pk")):
        log.at = now - timedelta(hours=7 * number)
        log.save(update_fields=["at"])


if __name__ == "__main__":
    main()
