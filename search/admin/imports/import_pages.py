"""What every page of an import has in common: who may use it, its shell, and how it answers. Decides nothing else."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

from search.admin import addresses
from search.models import ImportJob

_IMPORTING = ("search.add_importjob", "search.add_document", "search.change_document")


class ImportPages(ModelAdmin):
    """Mixed into the admin of imports: people who may import write documents, others may be allowed to look."""

    def may_import(self, request: HttpRequest) -> bool:
        """Tell whether somebody may bring documents in."""
        return may_import(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_import(request)

    def has_view_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        return self.may_import(request) or bool(request.user.has_perm("search.view_importjob"))

    def has_change_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        return False  # an import is not edited: it is prepared, started and cancelled

    def check_may_import(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for those who may not bring documents in."""
        if not self.may_import(request):
            raise PermissionDenied

    def check_may_view(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for those who may not look at imports."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def job_at(self, pk: int | str) -> ImportJob:
        """Return the import of an address, whatever stands in it. Raises Http404."""
        if not str(pk).isascii() or not str(pk).isdecimal():
            raise Http404
        return get_object_or_404(ImportJob.objects.select_related("collection", "created_by", "retry_of"), pk=pk)

    def page(
        self, request: HttpRequest, template: str, title: Any, context: dict[str, Any], job: ImportJob | None = None
    ) -> HttpResponse:
        """Return a page in the admin's shell."""
        shell = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "original": job,
            "job": job,
            "may_import": self.may_import(request),
            "is_nav_sidebar_enabled": True,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"admin/search/importjob/{template}", {**shell, **context})

    def back_to(self, request: HttpRequest, job: ImportJob, problem: str = "") -> HttpResponse:
        """Return to an import's page, saying what could not be done."""
        if problem:
            self.message_user(request, problem, messages.ERROR)
        return redirect(addresses.import_job(job))


def may_import(request: HttpRequest) -> bool:
    """Tell whether somebody may bring documents in: that creates and changes them."""
    return bool(request.user.has_perms(_IMPORTING))


def person(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has not signed in."""
    return cast(User, request.user)
