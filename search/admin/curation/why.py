"""Why this, why not that: what a search made of one document, in words, and what can be done. Decides nothing."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from search import query_service
from search.admin import addresses
from search.models import Collection, Document
from search.retrieval.explanations import Explanation, Stage, explain
from search.storable import storable

_MOST_CHARACTERS = 2_000
TO_DO = {
    Stage.SHOWN: _("Nothing is lost. If it should stand higher, pin or boost it by a rule."),
    Stage.BEYOND_THE_PAGE: _("Pin or boost it by a rule, add a synonym, or say in its title what people ask for."),
    Stage.HIDDEN_BY_RULE: _("Change or end the rule, if it should not be hidden."),
    Stage.BELOW_CUT_OFF: _("Add a synonym, say it in the text in people's words, or pin it by a rule."),
    Stage.NOT_PERMITTED: _("Without the quotation marks or the excluded word it takes part."),
    Stage.NOT_IN_FILTER: _("Look at its metadata; the filter compares them as they are written."),
    Stage.NOT_INDEXED: _("Look at its way into the index on its own page; a failed document says why there."),
    Stage.NOT_VISIBLE: _("Publish it, or change who may see it, if visitors should find it."),
    Stage.ELSEWHERE: _("Search in its own collection."),
}


class WhyPage(ModelAdmin):
    """Mixed into the admin of the search log: a query and a document are asked about together."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.why_view)
        return [path("why/", view, name="search_searchlog_why"), *super().get_urls()]

    def why_view(self, request: HttpRequest) -> HttpResponse:
        """Show how far a document comes in a search of visitors."""
        if not self.has_view_permission(request) or not request.user.has_perm("search.view_document"):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Why this, why not that"),
            "collections": Collection.objects.order_by("name"),
            **_answer(request.GET),
        }
        return TemplateResponse(request, "admin/search/why.html", context)


def _answer(asked: QueryDict) -> dict[str, Any]:
    """Return what is shown for what was asked: an explanation, or in words why there is none."""
    slug, query, name = (storable(asked.get(key, "")).strip() for key in ("collection", "q", "document"))
    shown: dict[str, Any] = {"slug": slug, "query": query[:_MOST_CHARACTERS], "name": name}
    if not query or not name:
        return shown
    try:
        version = query_service.active_version(slug)
        document = _document(version.collection, name)
        if document is None:
            return {**shown, "problem": _("The collection has no document with this external id or number.")}
        found = explain(version, query[:_MOST_CHARACTERS], document, user=None)
    except query_service.UnknownCollection:
        return {**shown, "problem": _("There is no such collection.")}
    except (query_service.NotReady, ValueError) as error:  # a filter in the query that cannot be applied
        return {**shown, "problem": str(error)}
    return {**shown, "found": found, "to_do": TO_DO[found.stage], "legs": _legs(found),
            "document_url": addresses.document(document)}  # fmt: skip


def _legs(found: Explanation) -> list[tuple[Any, Any]]:
    return [(_("By meaning"), found.dense), (_("By words"), found.lexical)]


def _document(collection: Collection, name: str) -> Document | None:
    """Return the document with this external id, or else with this number."""
    documents = Document.objects.select_related("collection")
    found = documents.filter(collection=collection, external_id=name).first()
    if found is None and name.isascii() and name.isdecimal() and len(name) < 19:
        found = documents.filter(pk=int(name)).first()
    return found
