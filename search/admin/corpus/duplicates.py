"""Duplicates: pairs of documents that say the same or nearly, side by side, and what may become of the second one."""

import difflib
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from search.admin import addresses
from search.admin.dialogs import ask_first, leave_dialog
from search.admin.labels import choice_label, moment
from search.admin.read_only import ReadOnly
from search.ingestion import deduplication
from search.models import Document, DuplicatePair, DuplicateScan
from search.models.duplicates import DuplicatePairQuerySet

_SHOWN_CHARS = 20_000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Side:
    """One document of a pair as the page shows it: its text in pieces, each with whether the other lacks it."""

    document: Document
    url: str
    pieces: tuple[tuple[str, bool], ...]
    more_chars: int


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnly, ModelAdmin):
    """The list of pairs, both texts beside each other, and the three decisions."""

    list_display = ("alike", "shown_first", "shown_second", "shown_kind", "shown_state", "found")
    list_display_links = ("alike",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("collection", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("first", "second", "collection")
    list_per_page = 50
    show_full_result_count = False
    list_before_template = "admin/search/duplicate_scans.html"
    change_form_before_template = "admin/search/duplicate_pair.html"
    actions = ("archive_second", "link_second", "keep_both")
    actions_detail = ("archive_one", "link_one", "keep_one")
    fields = ("shown_state", "shown_kind", "alike", "collection", "job", "found_at")
    readonly_fields = ("shown_state", "shown_kind", "alike")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicatePair]:
        pairs: QuerySet[DuplicatePair] = super().get_queryset(request)
        return pairs.defer("first__body", "second__body")

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.change_document"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        scans = DuplicateScan.objects.select_related("collection").order_by("-requested_at")
        context = {"scans": scans[:5], "refresh": any(not scan.finished_at for scan in scans)}
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        pair = DuplicatePair.objects.select_related("first", "second").filter(pk=object_id).first()
        context = {"sides": _sides(pair) if pair else ()}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})
        return page

    @admin.display(description=_("alike"), ordering="similarity")
    def alike(self, pair: DuplicatePair) -> str:
        return f"{pair.similarity:.1%}"

    @admin.display(description=_("first"))
    def shown_first(self, pair: DuplicatePair) -> SafeString:
        return _linked(pair.first)

    @admin.display(description=_("second"))
    def shown_second(self, pair: DuplicatePair) -> SafeString:
        return _linked(pair.second) if pair.second else format_html("{}", pair.second_external_id)

    @admin.display(description=_("kind"), ordering="kind")
    def shown_kind(self, pair: DuplicatePair) -> SafeString:
        return choice_label(DuplicatePair.Kind(pair.kind))

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, pair: DuplicatePair) -> SafeString:
        return choice_label(DuplicatePair.State(pair.state))

    @admin.display(description=_("found"), ordering="found_at")
    def found(self, pair: DuplicatePair) -> SafeString:
        return moment(pair.found_at)

    @admin.action(description=_("Archive the second"), permissions=["decide"])
    def archive_second(self, request: HttpRequest, pairs: DuplicatePairQuerySet) -> None:
        self._decide(request, pairs, DuplicatePair.State.ARCHIVED)

    @admin.action(description=_("Archive the second, linked to the first"), permissions=["decide"])
    def link_second(self, request: HttpRequest, pairs: DuplicatePairQuerySet) -> None:
        self._decide(request, pairs, DuplicatePair.State.LINKED)

    @admin.action(description=_("Keep both"), permissions=["decide"])
    def keep_both(self, request: HttpRequest, pairs: DuplicatePairQuerySet) -> None:
        self._decide(request, pairs, DuplicatePair.State.KEPT)

    @action(
        description=_("Archive the second"),
        url_path="archive",
        permissions=["decide"],
        icon="archive",
        dialog=ask_first(_("Archive the second document?"), _("Nobody will find it any more."), _("Archive")),
    )
    def archive_one(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._decide_one(request, object_id, DuplicatePair.State.ARCHIVED)

    @action(
        description=_("Link"),
        url_path="link",
        permissions=["decide"],
        icon="link",
        dialog=ask_first(
            _("Link the second document to the first?"),
            _("It is archived, so that nobody finds it any more, and says which document it repeats."),
            _("Link"),
        ),
    )
    def link_one(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._decide_one(request, object_id, DuplicatePair.State.LINKED)

    @action(
        description=_("Keep both"),
        url_path="keep",
        permissions=["decide"],
        icon="check",
        dialog=ask_first(_("Keep both documents?"), _("The pair is not shown as open again."), _("Keep both")),
    )
    def keep_one(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._decide_one(request, object_id, DuplicatePair.State.KEPT)

    def _decide_one(self, request: HttpRequest, object_id: str, state: str) -> HttpResponse:
        self._decide(request, DuplicatePair.objects.filter(pk=object_id), state)
        return leave_dialog(request, redirect(reverse("admin:search_duplicatepair_changelist") + "?state__exact=open"))

    def _decide(self, request: HttpRequest, pairs: DuplicatePairQuerySet, state: str) -> None:
        count = deduplication.decide(pairs, state)
        text = ngettext("%d pair is decided.", "%d pairs are decided.", count) % count
        self.message_user(request, text, messages.SUCCESS)


def _linked(document: Document) -> SafeString:
    return format_html('<a href="{}" class="text-link">{}</a>', addresses.document(document), document)


def _sides(pair: DuplicatePair) -> tuple[Side, ...]:
    """Return both documents, or the one that is there, with their differences marked word by word."""
    texts = [f"{document.title}\n\n{document.body}" for document in (pair.first, pair.second) if document]
    cut = [text[:_SHOWN_CHARS] for text in texts]
    pieces = _marked(*cut) if len(cut) == 2 else [((cut[0], False),)]
    documents = [document for document in (pair.first, pair.second) if document]
    return tuple(
        Side(document, addresses.document(document), shown, max(0, len(text) - _SHOWN_CHARS))
        for document, shown, text in zip(documents, pieces, texts, strict=True)
    )


def _marked(one: str, other: str) -> list[tuple[tuple[str, bool], ...]]:
    words: list[list[str]] = [_WORDS.findall(text) for text in (one, other)]
    matcher = difflib.SequenceMatcher(None, words[0], words[1], autojunk=len(words[0]) + len(words[1]) > 4_000)
    result: list[list[tuple[str, bool]]] = [[], []]
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for side, (start, end) in enumerate(((i1, i2), (j1, j2))):
            text = "".join(islice(words[side], start, end))
            if text:
                result[side].append((text, tag != "equal"))
    return [tuple(side) for side in result]
