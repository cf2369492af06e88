"""The way from nothing to a first answer: name a collection, bring documents, watch them arrive, try a query.

The steps tick themselves off by what is there. Whoever leaves in the middle leaves a collection behind, and no more.
"""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from search import tasks
from search.admin import addresses
from search.admin.imports.import_pages import may_import
from search.indexing.progress import collection_progress
from search.models import Collection, Document

_SLUG_CHARS = 50


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """A new collection by its name alone; everything else has a good default."""

    class Meta:
        model = Collection
        fields = ("name", "description")
        widgets = {"name": UnfoldAdminTextInputWidget, "description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean_name(self) -> str:
        """Refuse a name that no address can be made of, or whose address is taken."""
        name = str(self.cleaned_data["name"])
        slug = slugify(name)[:_SLUG_CHARS]
        if not slug:
            raise forms.ValidationError(_("Use a name with letters of the Latin alphabet, or choose *All options*."))
        if Collection.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("There is a collection at %(slug)s already."), params={"slug": slug})
        self.instance.slug = slug
        return name


class FirstSteps(ModelAdmin):
    """Mixed into the admin of collections."""

    def get_urls(self) -> list[URLPattern]:
        def view(method: Any) -> Any:
            return self.admin_site.admin_view(method)

        return [
            path("first-steps/", view(self.name_view), name="search_collection_first_steps"),
            path("<int:pk>/first-steps/", view(self.steps_view), name="search_collection_steps"),
            *super().get_urls(),
        ]

    def name_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the name of a collection, and make it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NameForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            collection = form.save(commit=False)
            tasks.save_collection(collection, user=request.user if request.user.is_authenticated else None)
            self.log_addition(request, collection, [{"added": {}}])
            return redirect(addresses.first_steps(collection))
        return self._page(request, {"form": form})

    def steps_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how far a collection is on its way to a first answer."""
        collection = get_object_or_404(Collection, pk=pk)
        if not self.has_view_permission(request, collection):
            raise PermissionDenied
        may_write = request.user.has_perm("search.add_document")
        context = {
            "collection": collection,
            "progress": collection_progress(collection),
            "has_documents": Document.objects.filter(collection=collection).exists(),
            "import_url": addresses.new_import(collection) if may_import(request) else "",
            "document_url": addresses.added("document", collection=collection.pk) if may_write else "",
            "failed_url": addresses.documents(collection, indexing="failed"),
            "collection_url": addresses.collection(collection),
        }
        return self._page(request, context)

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        each = self.admin_site.each_context(request)
        return TemplateResponse(
            request,
            "admin/search/first_steps.html",
            {**each, "opts": self.opts, "title": _("First steps"), **context},
        )
