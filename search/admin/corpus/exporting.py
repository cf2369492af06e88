"""The buttons on a collection's page that download it as a file. Reads what an export may read; changes nothing."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from search.ingestion.bundles import FORMATS
from search.models import Collection

EXPORT_ACTIONS = {
    "title": _("Export"),
    "icon": "download",
    "items": ["export_bundle", "export_jsonl", "export_csv"],
}


class Exporting(ModelAdmin):
    """Adds the downloads to the collections' admin, for those who may see all of a collection."""

    def has_export_permission(self, request: HttpRequest, object_id: int | str | None = None) -> bool:
        person = cast(User, request.user)
        return person.has_perms(["search.view_collection", "search.view_document"])

    @action(description=_("Bundle, to be carried elsewhere (ZIP)"), url_path="export-bundle", permissions=["export"])
    def export_bundle(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return _download(object_id, "bundle")

    @action(description=_("Documents for machines (JSON Lines)"), url_path="export-jsonl", permissions=["export"])
    def export_jsonl(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return _download(object_id, "jsonl")

    @action(description=_("Documents for people (CSV)"), url_path="export-csv", permissions=["export"])
    def export_csv(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return _download(object_id, "csv")


def _download(object_id: str, format_name: str) -> StreamingHttpResponse:
    collection = get_object_or_404(Collection, pk=object_id)
    chosen = FORMATS[format_name]
    return StreamingHttpResponse(
        chosen.pieces(collection),
        content_type=chosen.content_type,
        headers={"Content-Disposition": f'attachment; filename="{chosen.file_name(collection)}"'},
    )
