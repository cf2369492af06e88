"""Imports: the list of them, and the page of each with its progress and what can be done with it.

The steps before it starts are in import_wizard.py, what did not get in is in import_failures.py.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.views import ChangeList

from search import tasks
from search.admin import addresses, figures
from search.admin.imports import import_requests
from search.admin.imports.import_failures import TRIED_ONLY, ImportFailures
from search.admin.imports.import_pages import person
from search.admin.imports.import_panel import ImportPanel, import_panel, shown_files, took
from search.admin.imports.import_wizard import ImportWizard
from search.admin.labels import failed_label, import_label, moment, short
from search.ingestion import jobs
from search.ingestion.jobs import BadImport
from search.models import ImportFailure, ImportFile, ImportJob

_NAME_CHARS = 60


class ImportList(ChangeList):
    """One page of imports, with what is still to be mended of each."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        still_open = ImportFailure.objects.filter(job__in=self.result_list, state=ImportFailure.State.OPEN)
        counts = dict(still_open.order_by().values("job").annotate(count=Count("pk")).values_list("job", "count"))
        for job in self.result_list:
            job.open_failures = counts.get(job.pk, 0)


@admin.register(ImportJob)
class ImportJobAdmin(ImportWizard, ImportFailures):
    """The list of imports, and the page of each."""

    list_display = (
        "shown_name",
        "collection",
        "shown_status",
        "progress",
        "read_rows",
        "written",
        "failures",
        "who",
        "when",
    )
    list_display_links = ("shown_name",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("collection", RelatedDropdownFilter),
        ("source", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("collection", "created_by")
    list_per_page = 50
    search_fields = ("name",)
    list_before_template = "admin/search/importjob/list_head.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ImportList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        named = "search_importjob_"
        own = [
            path("<int:pk>/files/", view(self.files_view), name=f"{named}files"),
            path("<int:pk>/files/<int:file_id>/remove/", view(self.remove_file_view), name=f"{named}remove_file"),
            path("<int:pk>/progress/", view(self.progress_view), name=f"{named}progress"),
            path("<int:pk>/start/", view(self.start_view), name=f"{named}start"),
            path("<int:pk>/reopen/", view(self.reopen_view), name=f"{named}reopen"),
            path("<int:pk>/cancel/", view(self.cancel_view), name=f"{named}cancel"),
            path("<int:pk>/give-up/", view(self.give_up_view), name=f"{named}give_up"),
            path("<int:pk>/resume/", view(self.resume_view), name=f"{named}resume"),
            path("<int:pk>/retry/", view(self.retry_view), name=f"{named}retry"),
            path("<int:pk>/failures/", view(self.failures_view), name=f"{named}failures"),
            path("<int:pk>/failures.jsonl", view(self.failures_file_view), name=f"{named}failures_file"),
            path("<int:pk>/failures/<int:failure_id>/", view(self.failure_view), name=f"{named}failure"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a draft to those who may prepare it; everything else as it goes."""
        self.check_may_view(request)
        job = self.job_at(object_id)
        if job.status == ImportJob.Status.DRAFT and self.may_import(request):
            return self.prepare(request, job)
        if request.method != "GET":
            return self.back_to(request, job, _t("The import has been started already."))
        files, more_files = shown_files(job)
        context = {
            **self._progress(job),
            "files": files,
            "more_files": more_files,
            "may_delete": self.has_delete_permission(request, job),
            "documents_url": addresses.documents(job.collection),
            "search_url": addresses.search_page(job.collection),
            "retries": job.retries.all()[:20],
            "retry_of": job.retry_of,
            "step": "over" if job.is_over else "running",
        }
        return self.page(request, "job.html", job.name, context, job)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the piece of the page that moves; the whole page anew once the job has another status."""
        self.check_may_view(request)
        context = self._progress(self.job_at(pk))
        panel: ImportPanel = context["panel"]
        if request.GET.get("seen") != panel.seen:
            return HttpResponse(headers={"HX-Refresh": "true"})
        context["say"] = request.GET.get("said") != panel.said
        return render(request, "admin/search/importjob/_progress.html", context)

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Import for good what has been tried."""
        return self._do(request, pk, import_requests.start)

    def reopen_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Go back to the settings of what has been tried."""
        return self._do(request, pk, jobs.reopen)

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop an import."""
        return self._do(request, pk, jobs.cancel)

    def give_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove a draft and its files, of which nothing was written."""
        self.check_may_import(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self.job_at(pk)
        try:
            jobs.give_up(job)
        except BadImport as error:
            return self.back_to(request, job, str(error))
        self.message_user(request, _t("“%s” was given up; nothing of it was written.") % job.name, messages.SUCCESS)
        return redirect(addresses.imports())

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Go on with an import that could not go on."""
        return self._do(request, pk, tasks.resume_import)

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send what failed again, as a new import, and show that."""
        return self._do(request, pk, lambda job: _retried(job, person(request)))

    def _do(self, request: HttpRequest, pk: int, use_case: Any) -> HttpResponse:
        """Make one call; show the import that it is about, and why it could not be."""
        self.check_may_import(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self.job_at(pk)
        try:
            return self.back_to(request, use_case(job) or job)
        except BadImport as error:
            return self.back_to(request, job, str(error))

    def _progress(self, job: ImportJob) -> dict[str, Any]:
        panel = import_panel(job)
        waiting = panel.indexing is not None and panel.indexing.pending > 0
        return {"panel": panel, "job": job, "waiting": waiting, "search_url": addresses.search_page(job.collection)}

    # --- deleting

    def has_delete_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        may = bool(super().has_delete_permission(request, obj))
        return may and (obj is None or obj.is_over or obj.status == ImportJob.Status.DRAFT)

    def delete_model(self, request: HttpRequest, obj: ImportJob) -> None:
        jobs.discard(obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[ImportJob]") -> None:
        for job in queryset:
            try:
                jobs.discard(job)
            except BadImport as error:
                self.message_user(request, f"{job.name}: {error}", messages.ERROR)

    def get_deleted_objects(
        self, objs: Iterable[ImportJob], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with an import instead of listing it: that can be a million rows. Documents stay."""
        found = list(objs)
        counts = {
            str(ImportFile._meta.verbose_name_plural): ImportFile.objects.filter(job__in=found).count(),
            str(ImportFailure._meta.verbose_name_plural): ImportFailure.objects.filter(job__in=found).count(),
        }
        return [job.name for job in found], counts, set(), []

    # --- the list

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, job: ImportJob) -> SafeString:
        return short(job.name, _NAME_CHARS)

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, job: ImportJob) -> SafeString:
        return import_label(job)

    @admin.display(description=_("progress"))
    def progress(self, job: ImportJob) -> SafeString:
        moving = job.status in (ImportJob.Status.QUEUED, ImportJob.Status.RUNNING)  # few; a panel asks the database
        panel = import_panel(job) if moving else None
        return render_to_string("admin/search/importjob/bar.html", {"panel": panel, "took": took(job)})

    @admin.display(description=_("read"), ordering="read")
    def read_rows(self, job: ImportJob) -> str:
        return figures.whole(job.read)

    @admin.display(description=_("written"))
    def written(self, job: ImportJob) -> str:
        return figures.NOTHING if job.dry_run else figures.whole(job.created + job.updated)

    @admin.display(description=_("failed"), ordering="failed")
    def failures(self, job: Any) -> SafeString:
        return failed_label(job.open_failures if job.is_over else job.failed, addresses.import_failures(job))

    @admin.display(description=_("by"), ordering="created_by__username")
    def who(self, job: ImportJob) -> str:
        return job.created_by.get_username() if job.created_by else figures.NOTHING

    @admin.display(description=_("when"), ordering="id")
    def when(self, job: ImportJob) -> SafeString:
        return moment(job.created_at)


def _retried(job: ImportJob, by: User) -> ImportJob:
    if job.dry_run:
        raise BadImport({"": str(TRIED_ONLY)})
    return tasks.retry_import(job, by=by)
