"""What else tells of documents: an import's failed rows, judgments, runs, rules, the log, pending changes.

And every address of the API that can be read, found through the URL resolver: a new one is on the list by itself.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from search.models import (
    BulkChange,
    Collection,
    CurationRule,
    Document,
    DocumentRevision,
    DuplicatePair,
    EvaluationQuery,
    EvaluationQuerySet,
    EvaluationRun,
    ImportFailure,
    ImportFile,
    ImportJob,
    IndexVersion,
    Judgment,
    PendingChange,
    RunQuery,
    SearchLog,
    SynonymSet,
)
from tests.leaks.world import SHARED_WORD, World

Arguments = dict[str, Any]
_MOST_ROWS = 4  # of any table but that of documents


def surround(world: World) -> None:
    """Make a row of every kind that quotes a paper which few may see."""
    collection = Collection.objects.get(slug="handbook")
    secret = world.papers["handbook-legal"].canary
    hidden = f"id-{secret}"
    queries = EvaluationQuerySet.objects.create(collection=collection, name="Questions")
    query = EvaluationQuery.objects.create(query_set=queries, external_id="1", text=SHARED_WORD)
    Judgment.objects.create(query=query, external_id=hidden, grade=3)
    for _ in range(2):
        run = EvaluationRun.objects.create(
            query_set=queries, state=EvaluationRun.State.FINISHED, queries_total=1, queries_done=1, version_number=1
        )
        RunQuery.objects.create(run=run, query=query, ranked=[[hidden, 1.0]], metrics={"ndcg@10": 1.0})
    job = ImportJob.objects.create(collection=collection, source="api", name="papers", status=ImportJob.Status.FINISHED)
    file = ImportFile.objects.create(job=job, name="papers.csv", format="csv", tabular=True)
    ImportFailure.objects.create(
        job=job, file=file, line=1, reason=f"{secret} is wrong", original=f"{secret},x", values={"title": secret}
    )
    CurationRule.objects.create(collection=collection, queries=SHARED_WORD, external_id=hidden, note=secret)
    SynonymSet.objects.create(collection=collection, words=f"{SHARED_WORD}\n{secret}")
    Document.objects.filter(pk=world.ids["handbook-legal"]).update(language="de")
    Document.objects.filter(pk=world.ids["handbook-legal"]).update(title=F("title"), language="")
    BulkChange.objects.create(collection=collection, action="archive", documents=b"", total=1, error=secret)
    SearchLog.objects.create(collection=collection, text=f"{SHARED_WORD} {secret}", total=1, good_match=True, took_ms=1)
    DuplicatePair.objects.create(
        collection=collection,
        first_id=world.ids["handbook-legal"],
        second_external_id=hidden,
        kind=DuplicatePair.Kind.EXACT,
        similarity=1,
    )
    version = IndexVersion.objects.active().get(collection=collection)
    failed = PendingChange.objects.filter(version=version, document=world.ids["handbook-legal"])
    assert failed.update(quarantined=True, last_error=f"Cannot read {secret}.") == 1


def addresses(world: World, *, only_read: bool = True) -> Iterator[str]:
    """Yield every address of the API for each thing that there is; `only_read`: those that answer a GET."""
    for name, converters in _routes(only_read):
        for arguments in _arguments(name, world):
            if set(arguments) == converters:
                try:
                    yield reverse(f"api:{name}", kwargs=arguments)
                except NoReverseMatch:  # the argument of another kind of route
                    continue


def _routes(only_read: bool) -> Iterator[tuple[str, set[str]]]:
    for pattern in _patterns(get_resolver().url_patterns):
        view = getattr(pattern.callback, "view_class", None)
        if pattern.name and view is not None and (hasattr(view, "get") or not only_read):
            yield pattern.name, set(pattern.pattern.converters)


def _patterns(patterns: list[Any]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and pattern.app_name == "api":
            yield from (child for child in pattern.url_patterns if isinstance(child, URLPattern))
        elif isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            yield from _patterns(pattern.url_patterns)


def _arguments(name: str, world: World) -> Iterator[Arguments]:
    """Yield what may stand in an address: the ids of documents and of the few rows of other tables, and names."""
    failure, runs = ImportFailure.objects.get(), [*EvaluationRun.objects.values_list("pk", flat=True)]
    yield {}
    for slug in Collection.objects.values_list("slug", flat=True):
        yield {"slug": slug}
    for paper in world.papers.values():
        yield {"slug": paper.collection, "external_id": f"id-{paper.canary}"}
    for pk in world.ids.values() if name.startswith("document") else _ids():
        yield {"pk": pk}
    yield {"pk": runs[0], "other": runs[1]}
    yield {"pk": failure.job_id, "failure_id": failure.pk}
    for document, revision in DocumentRevision.objects.values_list("document_id", "revision")[:_MOST_ROWS]:
        yield {"pk": document, "revision": revision}


def _ids() -> set[int]:
    """Return the ids of the first rows of every other table that addresses name by their ids."""
    tables = (
        BulkChange,
        CurationRule,
        DuplicatePair,
        EvaluationQuery,
        EvaluationQuerySet,
        EvaluationRun,
        ImportJob,
        IndexVersion,
        SynonymSet,
    )
    return {pk for table in tables for pk in table._default_manager.values_list("pk", flat=True)[:_MOST_ROWS]}
