"""What is like a document, asked for from its form. A mixin of the documents' admin."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from search.admin import addresses
from search.datatypes import SearchResult
from search.models import Document
from search.retrieval.similar import CannotCompare, similar_to_document

_NAME = "search_document_similar"
_MOST = 8


@dataclass(frozen=True, slots=True)
class SimilarRow:
    """A document that is like another, and how much."""

    result: SearchResult
    url: str


class DocumentSimilar(ModelAdmin):
    """A piece of the form, and a page of its own without scripts."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/similar/", self.admin_site.admin_view(self.similar_view), name=_NAME),
            *super().get_urls(),
        ]

    def similar_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the documents of the collection that are most like this one, of those that the asker may find."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        document = get_object_or_404(Document.objects.select_related("collection"), pk=pk)
        shown: dict[str, object] = {"document": document, "asked": True}
        try:
            found = similar_to_document(document, user=request.user, k=_MOST)
            shown["rows"] = [SimilarRow(result, addresses.document_at(result.document_id)) for result in found]
        except CannotCompare as error:
            shown["problem"] = str(error)
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/search/document_similar.html", shown)
        page = {**self.admin_site.each_context(request), **shown, "title": str(document), "opts": self.opts}
        return render(request, "admin/search/document_similar_page.html", page)
