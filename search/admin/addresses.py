"""Where the admin's links lead: its own lists with a filter set, and the search page. Builds text, reads nothing."""

from django.urls import reverse
from django.utils.http import urlencode

from search.models import (
    BulkChange,
    Collection,
    Document,
    EvaluationQuery,
    EvaluationQuerySet,
    EvaluationRun,
    ImportFailure,
    ImportJob,
    IndexVersion,
)

_QUERY_CHARS = 200


def search_page(collection: Collection, query: str = "") -> str:
    """Return the address of the search page for a collection, with a query filled in."""
    parameters = (
        {"q": query[:_QUERY_CHARS], "collection": collection.slug} if query else {"collection": collection.slug}
    )
    return f"{reverse('web:search')}?{urlencode(parameters)}"


def documents(collection: Collection, *, indexing: str = "") -> str:
    """Return the address of a collection's documents, or of those in one indexing state (filters.py)."""
    parameters = {"collection__id__exact": str(collection.pk)}
    if indexing:
        parameters["indexing"] = indexing
    return f"{reverse('admin:search_document_changelist')}?{urlencode(parameters)}"


def document(document: Document) -> str:
    """Return the address of a document's form."""
    return document_at(document.pk)


def document_at(pk: int) -> str:
    """Return the address of the form of the document with this id."""
    return reverse("admin:search_document_change", args=[pk])


def bulk_change(change: BulkChange) -> str:
    """Return the address of a bulk change's page."""
    return reverse("admin:search_bulkchange_change", args=[change.pk])


def collection(collection: Collection) -> str:
    """Return the address of a collection's form."""
    return reverse("admin:search_collection_change", args=[collection.pk])


def first_steps(collection: Collection) -> str:
    """Return the address that leads a new collection to its first answer."""
    return reverse("admin:search_collection_steps", args=[collection.pk])


def duplicates(collection: Collection) -> str:
    """Return the address of a collection's open pairs of duplicates."""
    parameters = {"collection__id__exact": str(collection.pk), "state__exact": "open"}
    return f"{reverse('admin:search_duplicatepair_changelist')}?{urlencode(parameters)}"


def index_versions(collection: Collection) -> str:
    """Return the address of a collection's versions."""
    parameters = {"collection__id__exact": str(collection.pk)}
    return f"{reverse('admin:search_indexversion_changelist')}?{urlencode(parameters)}"


def index_version(version: IndexVersion) -> str:
    """Return the address of a version's facts."""
    return reverse("admin:search_indexversion_change", args=[version.pk])


def failed_changes(version: IndexVersion) -> str:
    """Return the address of a version's quarantine."""
    parameters = {"version__id__exact": version.pk, "quarantined__exact": 1}
    return f"{reverse('admin:search_pendingchange_changelist')}?{urlencode(parameters)}"


def pending_changes(version: IndexVersion | None = None) -> str:
    """Return the address of what waits for the index, of one version or of all."""
    address = reverse("admin:search_pendingchange_changelist")
    return address if version is None else f"{address}?{urlencode({'version__id__exact': version.pk})}"


def retired_versions() -> str:
    """Return the address of the versions that could be pruned."""
    parameters = {"state__exact": IndexVersion.State.RETIRED.value}
    return f"{reverse('admin:search_indexversion_changelist')}?{urlencode(parameters)}"


def version_progress(version: IndexVersion) -> str:
    """Return the address of the piece of a version's page that shows how far it is, as seen in its present state."""
    address = reverse("admin:search_indexversion_progress", args=[version.pk])
    return f"{address}?{urlencode({'seen': seen(version)})}"


def seen(version: IndexVersion) -> str:
    """Return what a page that shows the version depends on; when it changes, the page has to be loaded anew."""
    return f"{version.state}-{len(version.gate)}-{version.gate.get('at', '')}"


def document_way(document: Document) -> str:
    """Return the address of the piece of a document's form that shows its way into the index."""
    return reverse("admin:search_document_way", args=[document.pk])


def running_builds() -> str:
    """Return the address of the piece of the first page that shows what is being built."""
    return reverse("admin:search_indexversion_running")


def new_import(collection: Collection | None = None) -> str:
    """Return the address where an import begins, with its collection chosen."""
    address = reverse("admin:search_importjob_add")
    return address if collection is None else f"{address}?{urlencode({'collection': collection.pk})}"


def imports() -> str:
    """Return the address of the list of imports."""
    return reverse("admin:search_importjob_changelist")


def import_job(job: ImportJob) -> str:
    """Return the address of an import's page."""
    return reverse("admin:search_importjob_change", args=[job.pk])


def import_files(job: ImportJob) -> str:
    """Return the address that a draft's files are sent to."""
    return reverse("admin:search_importjob_files", args=[job.pk])


def import_step(job: ImportJob, step: str) -> str:
    """Return the address of something that can be done with an import (import_jobs.py)."""
    return reverse(f"admin:search_importjob_{step}", args=[job.pk])


def import_failures(job: ImportJob) -> str:
    """Return the address of the rows of an import that did not get in and are still open."""
    return f"{reverse('admin:search_importjob_failures', args=[job.pk])}?{urlencode({'state': 'open'})}"


def import_failure(failure: ImportFailure) -> str:
    """Return the address where a row that did not get in is mended."""
    return reverse("admin:search_importjob_failure", args=[failure.job_id, failure.pk])


def added(model: str, **values: str | int) -> str:
    """Return the address of the form that adds a row of a model, with some of its fields filled in."""
    return f"{reverse(f'admin:search_{model}_add')}?{urlencode(values)}"


def query_reports(collection: Collection) -> str:
    """Return the address of the reports on what was searched for in a collection."""
    return f"{reverse('admin:search_searchlog_reported')}?{urlencode({'collection': collection.slug})}"


def query_set(query_set: EvaluationQuerySet) -> str:
    """Return the address of a query set's form."""
    return reverse("admin:search_evaluationqueryset_change", args=[query_set.pk])


def judging(query: EvaluationQuery) -> str:
    """Return the address of the page on which a query's answers are judged."""
    return reverse("admin:search_evaluationquery_judge", args=[query.pk])


def judging_of_set(pk: int) -> str:
    """Return the address that leads to the next query of a set that nobody has judged."""
    return reverse("admin:search_evaluationqueryset_unjudged", args=[pk])


def new_run(query_set_pk: int) -> str:
    """Return the address of the form that starts a run of a set."""
    return reverse("admin:search_evaluationrun_new", args=[query_set_pk])


def run(run: EvaluationRun) -> str:
    """Return the address of what a run measured."""
    return reverse("admin:search_evaluationrun_change", args=[run.pk])


def runs(query_set_pk: int) -> str:
    """Return the address of a set's runs."""
    parameters = {"query_set__id__exact": str(query_set_pk)}
    return f"{reverse('admin:search_evaluationrun_changelist')}?{urlencode(parameters)}"


def learning(query_set_pk: int) -> str:
    """Return the address where the weight of meaning is learned from a set."""
    return reverse("admin:search_evaluationqueryset_learning", args=[query_set_pk])


def why(document: Document) -> str:
    """Return the address of the page that says what a search makes of a document, its query still to be filled in."""
    parameters = {"collection": document.collection.slug, "document": document.external_id}
    return f"{reverse('admin:search_searchlog_why')}?{urlencode(parameters)}"
