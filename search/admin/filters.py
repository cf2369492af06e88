"""Filters of the admin's lists that no model field offers. They only narrow a queryset."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from search.models import Document, IndexedDocument, IndexVersion, PendingChange
from search.models.corpus import DocumentQuerySet

_MAX_LANGUAGES = 200


class IndexingFilter(DropdownFilter):
    """Documents by what the active version makes of them; the same answer as `document_statuses` gives.

    Each published document is in exactly one of the three; a draft only ever in `failed`, when the worker
    could not take it out of the index.
    """

    title = _("indexing")
    parameter_name = "indexing"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, Any]]:
        return [("indexed", _("Indexed")), ("queued", _("Queued")), ("failed", _("Failed"))]

    def queryset(self, request: HttpRequest, queryset: DocumentQuerySet) -> DocumentQuerySet:
        if self.value() not in ("indexed", "queued", "failed"):
            return queryset
        failed = Exists(_of_active_version(PendingChange.objects.failed()))
        pending = Exists(_of_active_version(PendingChange.objects.waiting()))
        indexed = Exists(_of_active_version(IndexedDocument.objects.all()))
        no_version = ~Exists(IndexVersion.objects.active().filter(collection=OuterRef("collection")))
        published = Q(state=Document.State.PUBLISHED)
        if self.value() == "failed":
            return queryset.filter(failed | (published & ~no_version & ~pending & ~indexed))
        if self.value() == "queued":
            return queryset.filter(published & (no_version | pending))
        return queryset.filter(published & indexed & ~failed & ~pending)


def _of_active_version(rows: Any) -> Any:
    return rows.filter(
        document=OuterRef("pk"),
        version__state=IndexVersion.State.ACTIVE,
        version__collection=OuterRef("collection"),
    )


class LanguageFilter(DropdownFilter):
    """Documents by language, offering those that occur."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        known = Document.objects.exclude(language="").order_by("language").values_list("language", flat=True)
        return [(language, language) for language in known.distinct()[:_MAX_LANGUAGES]]

    def queryset(self, request: HttpRequest, queryset: DocumentQuerySet) -> DocumentQuerySet:
        return queryset.filter(language=self.value()) if self.value() else queryset
