"""Collections: their options, how far their index is, and the button that asks for a new one. Builds nothing."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.views import ChangeList

from search import tasks
from search.admin import addresses
from search.admin.corpus.chunking_preview import ChunkPreviewing
from search.admin.corpus.exporting import EXPORT_ACTIONS, Exporting
from search.admin.corpus.first_steps import FirstSteps
from search.admin.dialogs import DuplicatesDialog, RebuildDialog, leave_dialog
from search.admin.figures import NOTHING
from search.admin.forms import CollectionForm
from search.admin.imports.import_pages import may_import
from search.admin.json_fields import JsonObjectField, JsonTextarea
from search.admin.labels import failed_label, progress_bar, short
from search.indexing.progress import collection_progresses
from search.models import Collection, Document, IndexVersion
from search.models.fields import StorableJSONField

_ERROR_CHARS = 80
_CANDIDATE = _("A change here never touches the index that is live: it makes a new version, which is built beside it.")


class CollectionList(ChangeList):
    """One page of collections, with the progress of each in a fixed number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        progresses = collection_progresses(self.result_list)
        for collection in self.result_list:
            collection.progress = progresses[collection.pk]


@admin.register(Collection)
class CollectionAdmin(FirstSteps, ChunkPreviewing, Exporting):
    """The list with its progress bars, the form with its options, and the rebuild."""

    form = CollectionForm
    list_display = ("name", "slug", "shown_version", "progress", "failed", "shown_error")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name", "slug")
    actions = ("rebuild_selected",)
    actions_detail = ("import_files", "rebuild", "find_duplicates", EXPORT_ACTIONS)
    prepopulated_fields = {"slug": ("name",)}
    formfield_overrides = {StorableJSONField: {"form_class": JsonObjectField, "widget": JsonTextarea}}
    fieldsets = (
        (None, {"fields": ("name", "slug", "description")}),
        (
            _("Retrieval"),
            {"fields": ("retrieval",), "description": _("Takes effect at the next query.")},
        ),
        (
            _("Encoding and vector index"),
            {
                "fields": (
                    "encoder_name", "encoder_runtime", "encoder_revision",
                    "chunker", "max_tokens", "overlap_tokens", "title_share", "chunking",
                    "engine", "index_type", "factory_string", "recall", "memory_mb", "engine_options",
                    "activate_when_ready",
                ),
                "description": _(
                    "A change here never touches the index that is live: it makes a new version, built beside it."
                ),
            },
        ),
    )  # fmt: skip
    facts = (
        (None, {"fields": ("name", "slug", "description", "retrieval")}),
        (
            _("Encoding and index"),
            {
                "fields": (
                    "encoder_name", "encoder_revision", "encoder_runtime", "chunking", "engine", "engine_options",
                ),
            },
        ),
    )  # fmt: skip
    change_form_before_template = "admin/search/collection_panel.html"
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CollectionList

    def get_fieldsets(self, request: HttpRequest, obj: Collection | None = None) -> Any:
        """Show the stored options as they are to those who may only look."""
        may_write = self.has_change_permission(request, obj) if obj is not None else True
        return self.fieldsets if may_write else self.facts

    def save_model(self, request: HttpRequest, obj: Collection, form: CollectionForm, change: bool) -> None:
        """Save, and say so where that makes a candidate."""
        goes_live = form.cleaned_data.get("activate_when_ready", True)
        if tasks.save_collection(obj, user=_person(request), activate_when_ready=goes_live):
            self.message_user(request, _candidate_requested(goes_live), messages.INFO)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Collection | None = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            context = {**context, "collection": obj, "progress": collection_progresses([obj])[obj.pk]}
            context |= {
                "documents_url": addresses.documents(obj),
                "failed_url": addresses.documents(obj, indexing="failed"),
                "search_url": addresses.search_page(obj),
                "versions_url": addresses.index_versions(obj) if _may_see_versions(request) else "",
                "made_otherwise": _made_otherwise(obj),
            }
        answer: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return answer

    def get_deleted_objects(
        self, objs: Iterable[Collection], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with a collection instead of listing it: that can be a million rows."""
        collections = list(objs)
        documents = Document.objects.filter(collection__in=collections).count()
        versions = IndexVersion.objects.filter(collection__in=collections).count()
        counts = {
            str(Document._meta.verbose_name_plural): documents,
            str(IndexVersion._meta.verbose_name_plural): versions,
        }
        may_delete = not documents or request.user.has_perm("search.delete_document")
        missing = set() if may_delete else {str(Document._meta.verbose_name)}
        return [str(collection) for collection in collections], counts, missing, []

    def has_rebuild_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(self.has_change_permission(request))

    @admin.display(description=_("index version"))
    def shown_version(self, collection: Any) -> str:
        number = collection.progress.version
        return NOTHING if number is None else f"v{number}"

    @admin.display(description=_("indexed"))
    def progress(self, collection: Any) -> SafeString:
        return progress_bar(collection.progress)

    @admin.display(description=_("failed"))
    def failed(self, collection: Any) -> SafeString:
        return failed_label(collection.progress.failed, addresses.documents(collection, indexing="failed"))

    @admin.display(description=_("last error"))
    def shown_error(self, collection: Any) -> SafeString:
        return short(collection.progress.last_error, _ERROR_CHARS)

    @action(description=_("Import"), url_path="import", permissions=["import_files"], icon="upload_file")
    def import_files(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(addresses.new_import(get_object_or_404(Collection, pk=object_id)))

    def has_import_files_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_import(request)

    @admin.action(description=_("Rebuild the index"), permissions=["rebuild"])
    def rebuild_selected(self, request: HttpRequest, collections: QuerySet[Collection]) -> None:
        selected = list(collections)
        for collection in selected:
            tasks.request_rebuild(collection, user=_person(request))
        self.message_user(request, _rebuild_requested(len(selected)), messages.SUCCESS)

    @action(
        description=_("Rebuild the index"),
        url_path="rebuild",
        permissions=["rebuild"],
        icon="autorenew",
        dialog={
            "title": _("Rebuild the index?"),
            "description": _(
                "A new version is built beside the live one, which goes on answering until the new one is complete. "
                "Texts that have been encoded before are not encoded again."
            ),
            "form_class": RebuildDialog,
            "form_submit_text": _("Rebuild"),
        },
    )
    def rebuild(self, request: HttpRequest, form: RebuildDialog, object_id: str) -> HttpResponse:
        collection = get_object_or_404(Collection, pk=object_id)
        goes_live = form.cleaned_data["activate_when_ready"]
        tasks.request_rebuild(collection, user=_person(request), activate_when_ready=goes_live)
        self.message_user(request, _rebuild_requested(1), messages.SUCCESS)
        return leave_dialog(request, redirect(addresses.collection(collection)))

    @action(
        description=_("Find duplicates"),
        url_path="duplicates",
        permissions=["find_duplicates"],
        icon="content_copy",
        dialog={
            "title": _("Find duplicates?"),
            "description": _("The worker compares every document with those nearest to it; nothing is changed."),
            "form_class": DuplicatesDialog,
            "form_submit_text": _("Find duplicates"),
        },
    )
    def find_duplicates(self, request: HttpRequest, form: DuplicatesDialog, object_id: str) -> HttpResponse:
        collection = get_object_or_404(Collection, pk=object_id)
        tasks.request_duplicates(collection, threshold=form.cleaned_data["threshold"])
        self.message_user(request, gettext("Asked the worker to look for duplicates."), messages.SUCCESS)
        return leave_dialog(request, redirect(addresses.duplicates(collection)))

    def has_find_duplicates_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.view_duplicatepair"))


def _made_otherwise(collection: Collection) -> bool:
    """Tell whether the live version has another recipe than the options that the form shows."""
    version = collection.active_version()
    if version is None:
        return False
    same = ("chunking", "engine", "engine_options", "encoder_revision")
    named = [name for name in ("encoder_name", "encoder_runtime") if getattr(collection, name)]
    return any(getattr(version, name) != getattr(collection, name) for name in (*same, *named))


def _may_see_versions(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("search.view_indexversion"))


def _person(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has not signed in."""
    return cast(User, request.user)


def _candidate_requested(goes_live: bool) -> str:
    if goes_live:
        return gettext(
            "The worker builds a new index version with these options. Searches use the present one until the new one "
            "has passed its checks; then it goes live by itself."
        )
    return gettext(
        "The worker builds a new index version with these options. It waits under Versions until somebody activates it."
    )


def _rebuild_requested(count: int) -> str:
    return (
        ngettext(
            "Asked the worker to rebuild %d index. Searching goes on with the present one until the new one is ready.",
            "Asked the worker to rebuild %d indexes. Searching goes on with the present ones until the new ones are "
            "ready.",
            count,
        )
        % count
    )
