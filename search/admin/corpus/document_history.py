"""A document's history: what was changed, when, by whom, and the way back to what it was. A mixin of its admin."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from search.admin import addresses
from search.admin.corpus.differences import Piece, differences
from search.admin.corpus.unseen_changes import as_text
from search.conf import conf
from search.ingestion import revisions
from search.ingestion.document_writes import Outcome
from search.ingestion.state_tags import state_tag
from search.models import Document, DocumentRevision

_SHOWN = 20
_NAME = "search_document_revision"
_REFUSALS: dict[Outcome, Promise] = {
    Outcome.CHANGED_SINCE: _("Nothing was changed: somebody else changed the document meanwhile. Look again."),
    Outcome.NO_AUDIENCE: _(
        "Nothing was changed: the document was visible to selected groups then, and none is named now. Name a group in "
        "its form first."
    ),
}


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field that differs, and how."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change as the page shows it."""

    row: DocumentRevision
    fields: tuple[ShownField, ...]
    url: str


class DocumentHistory(ModelAdmin):
    """The page of all changes, and the page that leads back to before one of them."""

    def get_urls(self) -> list[URLPattern]:
        back = path("<int:pk>/history/<int:revision>/", self.admin_site.admin_view(self.revision_view), name=_NAME)
        return [back, *super().get_urls()]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the newest changes of a document, each with what it changed."""
        document = self._document(request, object_id)
        found = revisions.changes(document, most=_SHOWN + 1)
        context = {
            "changes": [_shown(document, change) for change in found[:_SHOWN]],
            "more": len(found) > _SHOWN,
            "kept": conf().DOCUMENT_REVISIONS,
            "days": conf().DOCUMENT_REVISIONS_DAYS,
            **(extra_context or {}),
        }
        return self._history_page(request, "history", document, context)

    def revision_view(self, request: HttpRequest, pk: int, revision: int) -> HttpResponse:
        """Show what going back to a revision would change; do it once that is confirmed."""
        document = self._document(request, pk)
        try:
            content = revisions.content_at(document, revision)
        except revisions.NoRevision:
            raise Http404 from None
        if request.method == "POST":
            return self._restore(request, document, revision)
        row = DocumentRevision.objects.filter(document=document.pk, revision=revision).first()
        context = {
            "row": row,
            "revision": revision,
            "fields": _fields({name: getattr(document, name) for name in content}, content),
            "seen": state_tag(document),
            "may_restore": self.has_change_permission(request, document),
        }
        return self._history_page(request, "revision", document, context)

    def _restore(self, request: HttpRequest, document: Document, revision: int) -> HttpResponse:
        if not self.has_change_permission(request, document):
            raise PermissionDenied
        outcome = revisions.restore(document, revision, (request.POST.get("seen", ""),)).outcome
        if outcome in _REFUSALS:
            self.message_user(request, _REFUSALS[outcome], messages.ERROR)
            return redirect(request.path)
        self.log_change(request, document, f"Back to revision {revision}.")
        text = _("The document is again as it was at revision %d.") % revision
        self.message_user(request, text, messages.SUCCESS)
        return redirect(addresses.document(document))

    def _document(self, request: HttpRequest, object_id: str | int) -> Document:
        if not str(object_id).isascii() or not str(object_id).isdecimal():
            raise Http404
        document = get_object_or_404(Document.objects.select_related("collection"), pk=object_id)
        if not self.has_view_permission(request, document):
            raise PermissionDenied
        return document

    def _history_page(
        self, request: HttpRequest, name: str, document: Document, context: dict[str, Any]
    ) -> HttpResponse:
        shell = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("History of %s") % document,
            "original": document,
            "document": document,
            "document_url": addresses.document(document),
            "history_url": reverse("admin:search_document_history", args=[document.pk]),
            "is_nav_sidebar_enabled": True,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"admin/search/document_{name}.html", {**shell, **context})


def _shown(document: Document, change: revisions.Change) -> ShownChange:
    url = reverse(f"admin:{_NAME}", args=[document.pk, change.row.revision])
    return ShownChange(change.row, _fields(change.before, change.after), url)


def _fields(before: Any, after: Any) -> tuple[ShownField, ...]:
    """Return the fields that differ, under the names that the form gives them."""
    texts = ((name, as_text(before[name]), as_text(after[name])) for name in after)
    return tuple(
        ShownField(str(getattr(Document._meta.get_field(name), "verbose_name", name)), tuple(differences(old, new)))
        for name, old, new in texts
        if old != new
    )
