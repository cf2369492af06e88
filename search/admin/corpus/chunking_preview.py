"""The panel below a collection's form that shows how its options, as they stand there, would cut a text.

Cuts what is pasted or a document of the collection. Saves nothing, and asks no network for an encoder.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.db.models.functions import Length, Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from search.admin.corpus import chunking_fields
from search.chunking.base import BadChunkingOptions
from search.embedding.base import EncoderUnavailable
from search.indexing.chunk_preview import MOST_CHARS, ChunkPreview, preview_chunks
from search.models import Collection, Document

_ENCODER = ("encoder_name", "encoder_revision", "encoder_runtime")
_OFFERED = 10
_PICK = "pick:"


class TextForm(forms.Form):
    """A text to be cut."""

    preview_title = forms.CharField(
        label=_("Title"), required=False, max_length=1_000, widget=UnfoldAdminTextInputWidget
    )
    preview_text = forms.CharField(
        label=_("Text"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
    )


class DocumentForm(forms.Form):
    """A document to be cut."""

    preview_find = forms.CharField(
        label=_("Title or external id"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "search"}),
        help_text=_("Empty: the newest documents."),
    )


@dataclass(frozen=True, slots=True)
class Source:
    """The text to be cut, `chars` characters long, of which the beginning is here."""

    title: str
    body: str
    chars: int


class Refused(Exception):
    """The options cannot be used as they stand in the form; the message names the field."""


class ChunkPreviewing(ModelAdmin):
    """Adds the panel and its answers to the collections' admin, for those who may see the collection."""

    change_form_outer_after_template = "admin/search/chunk_preview.html"

    class Media:
        css = {"all": ["search/admin/chunking.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_chunks_view)
        return [
            path("preview-chunks/", view, name="search_collection_preview_new"),
            path("<int:pk>/preview-chunks/", view, name="search_collection_preview"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Collection | None = None, **kwargs: Any
    ) -> HttpResponse:
        named = ("preview_new", []) if obj is None else ("preview", [obj.pk])
        panel = {
            "preview_url": reverse(f"admin:search_collection_{named[0]}", args=named[1]),
            "preview_text_form": TextForm(),
            "preview_document_form": DocumentForm() if obj is not None and _may_read(request) else None,
        }
        answer: HttpResponse = super().render_change_form(request, {**context, **panel}, *args, obj=obj, **kwargs)
        return answer

    def preview_chunks_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Return the chunks of what was asked for, documents to choose from, or what is wrong with the options."""
        collection = get_object_or_404(Collection, pk=pk) if pk is not None else None
        allowed = (
            self.has_add_permission(request) if collection is None else self.has_view_permission(request, collection)
        )
        if not allowed:
            raise PermissionDenied
        wanted = request.POST.get("preview_do") or request.POST.get("preview_shown", "")
        if not wanted:
            return HttpResponse(status=204)  # options were changed, and nothing is shown yet
        if wanted == "find" and collection is not None and _may_read(request):
            found = _found(collection, request.POST.get("preview_find", ""))
            if len(found) != 1:
                return _answer(request, {"found": found, "offered": _OFFERED})
            wanted = f"{_PICK}{found[0].pk}"
        context: dict[str, Any] = {"shown": wanted, "source": _source(request, collection, wanted)}
        try:
            context["preview"] = self._preview(request, collection, context["source"])
        except (BadChunkingOptions, EncoderUnavailable, Refused) as error:
            context["error"] = str(error)
        return _answer(request, context)

    def _preview(self, request: HttpRequest, collection: Collection | None, source: Source) -> ChunkPreview:
        options = self._options(request, collection)
        encoder = {name: options[name] for name in _ENCODER}
        return preview_chunks(**encoder, chunking=options["chunking"], title=source.title, body=source.body)

    def _options(self, request: HttpRequest, collection: Collection | None) -> dict[str, Any]:
        """Return the options as they stand in the form, or the stored ones for those who may only look."""
        names = (*_ENCODER, "chunking")
        if collection is not None and not self.has_change_permission(request, collection):
            return {name: getattr(collection, name) for name in names}
        form = self.get_form(request, collection, change=collection is not None)(request.POST, instance=collection)
        wrong = [name for name in (*names, *chunking_fields.KEYS) if name in form.errors]
        if wrong:
            raise Refused(" ".join(f"{form.fields[name].label}: {' '.join(form.errors[name])}" for name in wrong))
        return {name: form.cleaned_data[name] for name in names}


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "admin/search/chunk_preview_answer.html", {**context, "preview_url": request.path})


def _may_read(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("search.view_document"))


def _found(collection: Collection, text: str) -> list[Document]:
    """Return the document of that external id, else those with the text in their title or id, newest first."""
    documents = Document.objects.filter(collection=collection).only("title", "external_id", "collection")
    exact = list(documents.filter(external_id=text.strip())) if text.strip() else []
    named = Q(title__icontains=text.strip()) | Q(external_id__icontains=text.strip())
    return exact or list(documents.filter(named).order_by("-pk")[:_OFFERED])


def _source(request: HttpRequest, collection: Collection | None, wanted: str) -> Source:
    """Return the text that was asked for; of a long document the database gives the beginning only."""
    if not wanted.startswith(_PICK):
        body = request.POST.get("preview_text", "")
        return Source(request.POST.get("preview_title", ""), body, len(body))
    number = wanted.removeprefix(_PICK)
    if collection is None or not _may_read(request) or not number.isdecimal():
        raise PermissionDenied(gettext("There is no such document to be shown."))
    beginning = Substr("body", 1, MOST_CHARS)
    rows = Document.objects.filter(collection=collection, pk=int(number)).annotate(chars=Length("body"))
    row = rows.values_list("title", beginning, "chars").first()
    if row is None:
        raise Http404
    return Source(row[0], row[1] or "", row[2] or 0)
