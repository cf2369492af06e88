"""Synonyms in the admin: sets of words that find one another, tried out on a query before they are saved."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from search.admin.curation.trying import Tried, Trying
from search.admin.imports.import_pages import person
from search.admin.labels import short
from search.evaluation import trials
from search.models import Collection, SynonymSet
from search.models.fields import StorableTextField

_WORDS_CHARS = 100


@admin.register(SynonymSet)
class SynonymSetAdmin(Trying):
    """The list of sets, the form, and the panel below it that shows what a set does to a query."""

    list_display = ("shown_words", "shown_collection", "on")
    list_filter = (("collection", RelatedDropdownFilter), "enabled")
    list_filter_submit = True
    list_select_related = ("collection",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("words", "finds", "note")
    fields = ("collection", "words", "finds", "enabled", "note")
    formfield_overrides = {StorableTextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}
    warn_unsaved_form = True

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the collection where there is only one to choose."""
        collections = list(Collection.objects.values_list("pk", flat=True)[:2])
        only = {"collection": collections[0]} if len(collections) == 1 else {}
        return {**only, **super().get_changeform_initial_data(request)}

    def try_out(self, request: HttpRequest, entry: SynonymSet, query: str) -> Tried:
        """Return what the set would do to a query, the first of its words when none is given."""
        return self.tried(trials.of_synonyms(entry, query, user=person(request), instead_of=entry.pk))

    @admin.display(description=_("words"), ordering="words")
    def shown_words(self, entry: SynonymSet) -> SafeString:
        return short(str(entry), _WORDS_CHARS)

    @admin.display(description=_("collection"), ordering="collection__slug")
    def shown_collection(self, entry: SynonymSet) -> SafeString:
        return short(entry.collection.slug, 24)

    @admin.display(description=_("on"), ordering="enabled", boolean=True)
    def on(self, entry: SynonymSet) -> bool:
        return entry.enabled
