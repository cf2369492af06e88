"""The rows of an import that did not get in: listed, mended one by one, dismissed, downloaded. Each view one call."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from search.admin import addresses, figures
from search.admin.imports.import_forms import MendForm
from search.admin.imports.import_pages import ImportPages, person
from search.ingestion import failures
from search.ingestion.jobs import BadImport
from search.models import Collection, Document, ImportFailure, ImportJob

TRIED_ONLY = _lazy(
    "This was only tried: nothing is in yet. Correct the file or the settings, or import it; what does not get in then "
    "can be mended row by row."
)
_PER_PAGE = 50
_SHOWN_REASONS = 8
_ORIGINAL_CHARS = 20_000


class ImportFailures(ImportPages):
    """The list of failures, and the form that mends one."""

    def failures_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List what did not get in; put aside those that are ticked, or all that the filter shows."""
        self.check_may_view(request)
        job = self.job_at(pk)
        found = _filtered(job, request.GET)
        if request.method == "POST":
            self.check_may_import(request)
            chosen = found if "all" in request.POST else found.filter(pk__in=_ids(request))
            return self._dismissed(request, failures.dismiss(chosen))
        page = Paginator(found.select_related("file").defer("values"), _PER_PAGE).get_page(request.GET.get("page"))
        context = {
            "page": page,
            "found": figures.whole(page.paginator.count),
            "filters": {"state": request.GET.get("state", ""), "reason": request.GET.get("reason", "")},
            "states": ImportFailure.State.choices,
            "reasons": _reasons(job, request.GET.get("state", "")),
            "may_mend": self.may_import(request) and not job.dry_run,
            "tried_only": TRIED_ONLY if job.dry_run else "",
            "may_retry": job.failures.filter(state=ImportFailure.State.OPEN).exists(),
            "query": _query(request),
        }
        return self.page(request, "failures.html", _("What did not get in"), context, job)

    def failure_view(self, request: HttpRequest, pk: int, failure_id: int) -> HttpResponse:
        """Show a row with what is wrong, and write it once it is mended."""
        self.check_may_import(request)
        failure = get_object_or_404(
            ImportFailure.objects.select_related("job__collection", "file"), job=self.job_at(pk), pk=failure_id
        )
        if failure.job.dry_run:
            return self.back_to(request, failure.job, str(TRIED_ONLY))
        if request.method != "POST":
            form = MendForm(initial=MendForm.initial_of(failures.fields_of(failure)))
            return self._failure_page(request, failure, form)
        form = MendForm(request.POST)
        if not form.is_valid():
            return self._failure_page(request, failure, form)
        try:
            replace = form.cleaned_data["replace"]
            result = failures.mend(failure, form.values(), replace=replace, by=person(request))
        except BadImport as error:
            form.refuse(error)
            return self._failure_page(request, failure, form)
        self.message_user(request, _mended(failure.job.collection, result.external_id), messages.SUCCESS)
        following = _next_open(failure) if "next" in request.POST else None
        return redirect(addresses.import_failure(following) if following else addresses.import_failures(failure.job))

    def failures_file_view(self, request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
        """Download what is open as lines that can be mended and sent again."""
        self.check_may_view(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        job = self.job_at(pk)
        return StreamingHttpResponse(
            failures.as_jsonl(job),
            content_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="import-{job.pk}-failures.jsonl"'},
        )

    def _dismissed(self, request: HttpRequest, count: int) -> HttpResponse:
        text = ngettext("%s row is put aside.", "%s rows are put aside.", count) % figures.whole(count)
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)
        return redirect(request.get_full_path())

    def _failure_page(self, request: HttpRequest, failure: ImportFailure, form: MendForm) -> HttpResponse:
        context = {
            "form": form,
            "failure": failure,
            "stood": failure.original[:_ORIGINAL_CHARS],
            "following": _next_open(failure),
            "columns": [(name, value) for name, value in (failure.values or {}).items() if value not in ("", None)][
                :100
            ]
            if failure.file.tabular
            else [],
            "list_url": addresses.import_failures(failure.job),
        }
        return self.page(request, "failure.html", _("Mend a row"), context, failure.job)


def _filtered(job: ImportJob, query: Mapping[str, str]) -> "QuerySet[ImportFailure]":
    found = job.failures.all()
    if query.get("state") in ImportFailure.State.values:
        found = found.filter(state=query["state"])
    return found.filter(reason=query["reason"]) if query.get("reason") else found


def _reasons(job: ImportJob, state: str) -> "list[Any]":
    """Return the most frequent reasons with how often each occurs."""
    found = _filtered(job, {"state": state}).order_by().values("reason")
    return list(found.annotate(count=Count("pk")).order_by("-count", "reason")[:_SHOWN_REASONS])


def _ids(request: HttpRequest) -> list[int]:
    return [int(pk) for pk in request.POST.getlist("failure") if pk.isascii() and pk.isdecimal()]


def _query(request: HttpRequest) -> str:
    """Return the filters as the beginning of the address of another page of the list."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def _next_open(failure: ImportFailure) -> ImportFailure | None:
    still = failure.job.failures.filter(state=ImportFailure.State.OPEN).exclude(pk=failure.pk)
    return still.filter(pk__gt=failure.pk).first() or still.first()


def _mended(collection: Collection, external_id: str) -> SafeString:
    document = Document.objects.defer("body").get(collection=collection, external_id=external_id)
    return format_html(
        '{} <a class="sem-link" href="{}">{}</a>', _("The row is in:"), addresses.document(document), document
    )
