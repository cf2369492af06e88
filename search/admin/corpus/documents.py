"""Documents: where curators write, publish and see whether people can find it. Encodes nothing."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from search.admin import addresses
from search.admin.corpus.bulk_actions import BulkActions
from search.admin.corpus.document_history import DocumentHistory
from search.admin.corpus.document_list import DocumentList, DocumentPaginator
from search.admin.corpus.document_panel import document_panel
from search.admin.corpus.document_similar import DocumentSimilar
from search.admin.corpus.unseen_changes import UnseenChange, unseen_change
from search.admin.filters import IndexingFilter, LanguageFilter
from search.admin.imports.import_pages import may_import
from search.admin.json_fields import JsonObjectField, JsonTextarea
from search.admin.labels import choice_label, moment, short, stage_label
from search.analytics.found_by import found_by
from search.conf import conf
from search.ingestion.state_tags import state_tag
from search.models import Collection, Document
from search.models.corpus import NO_AUDIENCE, lacks_audience
from search.models.fields import StorableJSONField

_COLLECTION_CHARS = 24
_FOUND_BY = "search_document_found_by"
CHANGED_MEANWHILE = _(
    "Nothing is saved: somebody else changed this document after you had opened it. Look at what differs, then keep "
    "theirs, or tick “Overwrite it with mine when I save” and save again."
)

NOTHING_TO_FIND = _("Write a text, or at least a title: by these it is found. Or save it as a draft.")


class _Unlogged(forms.CharField):
    """A field of the form itself, which is no change of the document."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class DocumentForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """A document whose audience is not empty, and which nobody else has saved since the form was opened."""

    seen = _Unlogged(required=False, widget=forms.HiddenInput)
    overwrite = _Unlogged(required=False, widget=forms.HiddenInput)
    """The state that its author was told of, and means to replace."""
    unseen_change: UnseenChange | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and not self.is_bound:
            self.initial["seen"] = state_tag(self.instance)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        self._hold_against_the_stored(values)
        if lacks_audience(values.get("visibility", ""), has_groups=bool(values.get("groups"))):
            self.add_error("groups", NO_AUDIENCE)
        if values.get("state") == Document.State.PUBLISHED and not (values.get("title") or values.get("body")):
            self.add_error("body", NOTHING_TO_FIND)
        return values

    def _hold_against_the_stored(self, values: dict[str, Any]) -> None:
        seen, overwrite = values.get("seen"), values.get("overwrite")
        if not seen or self.instance.pk is None:
            return
        typed = {name: value for name, value in values.items() if name not in ("seen", "overwrite")}
        change = unseen_change(self.instance.pk, seen, typed)
        if change is not None and change.tag != overwrite:
            self.unseen_change = change
            self.add_error(None, CHANGED_MEANWHILE)


@admin.register(Document)
class DocumentAdmin(BulkActions, DocumentHistory, DocumentSimilar):
    """The list with its actions, and the form with its indexing panel."""

    form = DocumentForm
    list_display = ("shown_title", "shown_collection", "shown_state", "visibility", "indexing", "updated")
    list_display_links = ("shown_title",)
    list_filter = (
        ("collection", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("visibility", ChoicesDropdownFilter),
        LanguageFilter,
        IndexingFilter,
    )
    list_filter_submit = True
    list_per_page = 50
    paginator = DocumentPaginator
    show_full_result_count = False
    search_fields = ("title", "external_id")
    search_help_text = _("Title or external id")
    actions_list = ("import_files", "bulk_changes")

    readonly_fields = ("revision", "created_at", "updated_at")
    formfield_overrides = {
        StorableJSONField: {"form_class": JsonObjectField, "widget": JsonTextarea},
        ManyToManyField: {"widget": UnfoldAdminCheckboxSelectMultipleWidget},
    }
    add_fieldsets = (
        (None, {"fields": ("collection", "title", "body", "url", "language")}),
        (_("Who can find it"), {"fields": ("state", "visibility", "groups")}),
        (_("Identity and metadata"), {"fields": ("external_id", "metadata")}),
    )
    fieldsets = (
        *add_fieldsets,
        (_("History"), {"fields": ("revision", "created_at", "updated_at"), "classes": ("collapse",)}),
    )
    change_form_before_template = "admin/search/document_before.html"
    change_form_after_template = "admin/search/document_chunks.html"
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DocumentList]:
        return DocumentList

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the collection where there is only one to choose."""
        collections = list(Collection.objects.values_list("pk", flat=True)[:2])
        only = {"collection": collections[0]} if len(collections) == 1 else {}
        return {**only, **super().get_changeform_initial_data(request)}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Document | None = None, **kwargs: Any
    ) -> HttpResponse:
        panel = document_panel(obj) if obj is not None else None
        shown = {**context, "panel": panel, "document": obj}
        answer: HttpResponse = super().render_change_form(request, shown, *args, obj=obj, **kwargs)
        return answer

    def get_urls(self) -> list[URLPattern]:
        way = path("<int:pk>/way/", self.admin_site.admin_view(self.way_view), name="search_document_way")
        found = path("<int:pk>/found-by/", self.admin_site.admin_view(self.found_by_view), name=_FOUND_BY)
        return [way, found, *super().get_urls()]

    def way_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the piece of the form that shows the way into the index, as it is now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        panel = document_panel(get_object_or_404(Document.objects.select_related("collection"), pk=pk))
        return render(request, "admin/search/document_panel.html", {"panel": panel})

    def found_by_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the piece of the form that shows which queries brought the document."""
        if not (self.has_view_permission(request) and request.user.has_perm("search.view_searchlog")):
            raise PermissionDenied
        document = get_object_or_404(Document, pk=pk)
        report = found_by(document)
        shown = {"report": report, "logged": conf().LOG_SEARCHES or report.looked_through}
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/search/document_found_by.html", shown)
        page = {**self.admin_site.each_context(request), **shown, "title": str(document), "opts": self.opts}
        return render(request, "admin/search/document_found_by_page.html", page)

    @admin.display(description=_("title"), ordering="title")
    def shown_title(self, document: Document) -> str:
        return str(document)

    @admin.display(description=_("collection"), ordering="collection__slug")
    def shown_collection(self, document: Document) -> SafeString:
        return short(document.collection.slug, _COLLECTION_CHARS)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, document: Document) -> SafeString:
        return choice_label(Document.State(document.state))

    @admin.display(description=_("indexing"))
    def indexing(self, document: Any) -> SafeString:
        return stage_label(document.indexing_status)

    @admin.display(description=_("updated"), ordering="updated_at")
    def updated(self, document: Document) -> SafeString:
        return moment(document.updated_at)

    @action(description=_("Import"), url_path="import", permissions=["import_files"], icon="upload_file")
    def import_files(self, request: HttpRequest) -> HttpResponse:
        return redirect(addresses.new_import())

    @action(description=_("Bulk changes"), url_path="bulk-changes", permissions=["change"], icon="library_add_check")
    def bulk_changes(self, request: HttpRequest) -> HttpResponse:
        return redirect(reverse("admin:search_bulkchange_changelist"))

    def has_import_files_permission(self, request: HttpRequest) -> bool:
        return may_import(request)
