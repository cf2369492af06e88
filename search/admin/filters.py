"""Filters of the admin's lists that no model field offers. They only narrow a queryset."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db import connections
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange
from search.models.corpus import DocumentQuerySet
from search.models.pending_changes import PendingChangeQuerySet

_MAX_LANGUAGES = 200


class IndexingFilter(DropdownFilter):
    """Documents by what the active version makes of them; together the same answer as `document_statuses` gives.

    Each published document is in exactly one of the four; a draft only ever in `failed`, when the worker could not
    take it out of the index. `lost` is apart because it alone has to look at every document there is.
    """

    title = _("indexing")
    parameter_name = "indexing"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, Any]]:
        return [
            ("indexed", _("Indexed")),
            ("queued", _("Queued")),
            ("failed", _("Failed")),
            ("lost", _("Neither indexed nor queued")),
        ]

    def queryset(self, request: HttpRequest, queryset: DocumentQuerySet) -> DocumentQuerySet:
        if self.value() == "failed":
            return queryset.filter(_is_among(PendingChange.objects.failed()))
        if self.value() == "queued":
            without_version = Q(collection__in=Collection.objects.exclude(pk__in=_active().values("collection")))
            return queryset.published().filter(without_version | _is_among(PendingChange.objects.waiting()))
        if self.value() in ("indexed", "lost"):
            indexed = Exists(_of_active_version(IndexedDocument.objects.all()))
            documents = queryset.published().filter(collection__in=_active().values("collection"))
            return documents.exclude(_is_among(PendingChange.objects.all())).filter(
                indexed if self.value() == "indexed" else ~indexed
            )
        return queryset


def _is_among(pending: PendingChangeQuerySet) -> Q:
    """Whether the active version of a document's collection has one of these changes to make; begins with those."""
    documents = pending.filter(version__in=_active()).values("document")
    return Q(pk__in=documents) & Q(Exists(_of_active_version(pending)))


def _active() -> Any:
    return IndexVersion.objects.active()


def _of_active_version(rows: Any) -> Any:
    return rows.filter(
        document=OuterRef("pk"),
        version__state=IndexVersion.State.ACTIVE,
        version__collection=OuterRef("collection"),
    )


_LANGUAGES_SQL = """
    WITH RECURSIVE known(language) AS (
        SELECT min(language) FROM search_document WHERE language > ''
        UNION ALL
        SELECT (SELECT min(language) FROM search_document WHERE language > known.language)
        FROM known WHERE known.language IS NOT NULL
    )
    SELECT language FROM known WHERE language IS NOT NULL LIMIT %s
"""


def _languages() -> list[str]:
    """The languages that occur, in their order: one step in an index for each, however many documents there are."""
    with connections[Document.objects.db].cursor() as cursor:
        cursor.execute(_LANGUAGES_SQL, [_MAX_LANGUAGES])
        return [language for (language,) in cursor.fetchall()]


class LanguageFilter(DropdownFilter):
    """Documents by language, offering those that occur."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(language, language) for language in _languages()]

    def queryset(self, request: HttpRequest, queryset: DocumentQuerySet) -> DocumentQuerySet:
        return queryset.filter(language=self.value()) if self.value() else queryset
