"""The steps before an import starts: where it goes, its files, what their columns mean. Each view makes one call."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from search.admin import addresses, figures
from search.admin.imports import import_requests
from search.admin.imports.import_forms import NewImportForm, OptionsForm
from search.admin.imports.import_pages import ImportPages, person
from search.admin.imports.import_panel import shown_files
from search.admin.imports.import_requests import BrokenOff, CannotPreview
from search.admin.imports.import_rows import preview_rows
from search.conf import conf
from search.ingestion import jobs
from search.ingestion.jobs import BadImport
from search.ingestion.preview import Preview
from search.models import ImportFile, ImportJob

_MULTIPART = "multipart/form-data"
_DRAINED_BYTES = 64 << 20  # of a refused upload, so that the browser gets to read the refusal


class ImportWizard(ImportPages):
    """The first page, the uploads, and the page of a draft."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask where the documents go and for their files; scripts are told where to send these."""
        self.check_may_import(request)
        may_add = bool(request.user.has_perm("search.add_collection"))
        scripted = request.headers.get("Accept") == "application/json"
        if request.method != "POST":
            form = NewImportForm(initial=_chosen(request), may_add_collection=may_add)
            return self._new_page(request, form)
        form = NewImportForm(request.POST, may_add_collection=may_add)
        files = request.FILES.getlist("files")
        if form.is_valid() and not (scripted or files):
            form.add_error(None, _("Choose at least one file."))
        if not form.is_valid():
            return JsonResponse(form.errors, status=400) if scripted else self._new_page(request, form)
        values = form.cleaned_data
        job = import_requests.begin(
            values["collection"],
            values["new_collection"],
            first=values["first"] or (files[0].name or "" if files else ""),
            others=values["others"] or max(0, len(files) - 1),
            by=person(request),
        )
        if scripted:
            return JsonResponse({"upload": addresses.import_files(job), "next": addresses.import_job(job)}, status=201)
        return self._added(request, job, import_requests.add_files(job, files))

    def files_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a file's bytes as they are, named in the query; or the files of a plain form."""
        self.check_may_import(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self.job_at(pk)
        if request.content_type == _MULTIPART:
            return self._added(request, job, import_requests.add_files(job, request.FILES.getlist("files")))
        name, size = request.GET.get("name", ""), _length(request)
        if size is None:
            return JsonResponse({"error": _("The upload does not say how long it is.")}, status=411)
        try:
            if "again" in request.GET and import_requests.has_file(job, name, size):
                _drain(request)
                return JsonResponse({"size": size})
            file = import_requests.add_stream(job, name, request, size)  # type: ignore[arg-type]  # it reads as one
        except (BadImport, BrokenOff) as error:
            _drain(request)
            return JsonResponse({"error": str(error)}, status=400)
        except OSError as error:
            problem = _("It could not be stored: %s.") % (error.strerror or error)
            return JsonResponse({"error": problem}, status=507)
        return JsonResponse({"size": file.size}, status=201)

    def remove_file_view(self, request: HttpRequest, pk: int, file_id: int) -> HttpResponse:
        """Take a file out of a draft."""
        self.check_may_import(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self.job_at(pk)
        try:
            jobs.remove_file(get_object_or_404(ImportFile.objects.select_related("job"), job=job, pk=file_id))
        except BadImport as error:
            return self.back_to(request, job, str(error))
        return self.back_to(request, job)

    def prepare(self, request: HttpRequest, job: ImportJob) -> HttpResponse:
        """Show a draft: its files, what their columns mean, and its first rows as documents; or start it."""
        if request.method != "POST":
            return self._draft_page(request, job)
        form = OptionsForm(request.POST, job=job)
        action = request.POST.get("action", "preview")
        if not form.is_valid():
            return self._draft_page(request, job, form)
        if action == "preview":
            return self._draft_page(request, job, form)
        try:
            import_requests.start(job, form.options(), dry_run=action == "try")
        except BadImport as error:
            form.refuse(error)
            return self._draft_page(request, job, form)
        return self.back_to(request, job)

    def _new_page(self, request: HttpRequest, form: NewImportForm) -> HttpResponse:
        return self.page(request, "new.html", _("New import"), {"form": form, **_upload_limits()})

    def _added(self, request: HttpRequest, job: ImportJob, problems: list[str]) -> HttpResponse:
        for problem in problems:
            self.message_user(request, problem, messages.ERROR)
        return redirect(addresses.import_job(job))

    def _draft_page(self, request: HttpRequest, job: ImportJob, form: OptionsForm | None = None) -> HttpResponse:
        """Return the page of a draft; a valid form's options are kept, and the preview is made with them."""
        shown, problem = self._looked(job, form)
        if form is None:
            columns, mapping = (shown.columns, shown.mapping) if shown else ((), {})
            form = OptionsForm(job=job, columns=columns, mapping=mapping)
        rows = preview_rows(shown) if shown else []
        context: dict[str, Any] = {"job": job, "form": form, "preview": shown, "problem": problem, "rows": rows}
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/search/importjob/_settings.html", context)
        files, more_files = shown_files(job)
        context |= {"files": files, "more_files": more_files, **_upload_limits()}
        return self.page(request, "draft.html", job.name, context, job)

    def _looked(self, job: ImportJob, form: OptionsForm | None) -> tuple[Preview | None, str]:
        if not job.files_total:
            return None, ""
        try:
            return import_requests.look(job, form.options() if form is not None and form.is_valid() else None), ""
        except BadImport as error:
            if form is None:  # nothing was chosen that could be refused
                return None, str(error)
            form.refuse(error)
            return None, _("The preview comes back once the settings above are put right.")
        except CannotPreview as error:
            return None, str(error)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """Return what is filled in: the collection that the visitor comes from."""
    collection = request.GET.get("collection", "")
    return {"collection": collection} if collection.isascii() and collection.isdecimal() else {}


def _upload_limits() -> dict[str, Any]:
    most = conf().IMPORT_MAX_FILE_MB << 20
    return {"most_bytes": most, "most_size": figures.size(most)}


def _length(request: HttpRequest) -> int | None:
    length = str(request.headers.get("Content-Length", ""))
    return int(length) if length.isascii() and length.isdecimal() else None


def _drain(request: HttpRequest) -> None:
    left = _DRAINED_BYTES
    while left > 0 and (chunk := request.read(1 << 20)):
        left -= len(chunk)
