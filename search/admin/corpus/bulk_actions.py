"""What can be done with many documents at once: each action asks first, says what it would do, and is then a bulk
change, which the worker goes on with when it is large. A mixin of the documents' admin."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from search import tasks
from search.admin import addresses
from search.ingestion import bulk_changes
from search.ingestion.bulk_changes import Action, BadChange, Wanted
from search.models import BulkChange, Document
from search.models.corpus import NO_AUDIENCE, DocumentQuerySet, lacks_audience

_SHOWN = 10

QUESTIONS: dict[str, Any] = {
    Action.PUBLISH: ngettext_lazy("Publish %d document?", "Publish %d documents?"),
    Action.DRAFT: ngettext_lazy("Make %d document a draft?", "Make %d documents drafts?"),
    Action.ARCHIVE: ngettext_lazy("Archive %d document?", "Archive %d documents?"),
    Action.AUDIENCE: ngettext_lazy("Who can find %d document?", "Who can find %d documents?"),
    Action.REINDEX: ngettext_lazy("Index %d document again?", "Index %d documents again?"),
    Action.DELETE: ngettext_lazy("Delete %d document?", "Delete %d documents?"),
}
EFFECTS: dict[str, Promise | str] = {
    Action.PUBLISH: _("They can be found as soon as they are indexed, by those who may."),
    Action.DRAFT: _("They can no longer be found from the very next query on. They stay here."),
    Action.ARCHIVE: _("They can no longer be found from the very next query on. They stay here."),
    Action.AUDIENCE: _("It holds from the very next query on. Groups that are not ticked here lose them."),
    Action.REINDEX: _("They can be found meanwhile. Vectors of unchanged texts are kept, so that this encodes little."),
    Action.DELETE: _("They are gone for good, and from the very next query on. Archiving hides them and keeps them."),
}
DONE: dict[str, Any] = {
    Action.PUBLISH: ngettext_lazy(
        "%d document published; it can be found as soon as it is indexed.",
        "%d documents published; they can be found as soon as they are indexed.",
    ),
    Action.DRAFT: ngettext_lazy(
        "%d document is a draft now; it can no longer be found.",
        "%d documents are drafts now; they can no longer be found.",
    ),
    Action.ARCHIVE: ngettext_lazy(
        "%d document archived; it can no longer be found.", "%d documents archived; they can no longer be found."
    ),
    Action.AUDIENCE: ngettext_lazy("%d document has a new audience.", "%d documents have a new audience."),
    Action.REINDEX: ngettext_lazy(
        "%d document is queued to be indexed again.", "%d documents are queued to be indexed again."
    ),
    Action.DELETE: ngettext_lazy("%d document deleted.", "%d documents deleted."),
}
_AS_BEFORE = ngettext_lazy("%d was like that already.", "%d were like that already.")


class Confirmation(forms.Form):
    """That somebody has read what would happen, of how many documents."""

    expected = forms.IntegerField(widget=forms.HiddenInput)


class SureConfirmation(Confirmation):
    """The same, where there is no way back."""

    sure = forms.BooleanField(label=_("I know that this cannot be undone"), widget=UnfoldBooleanSwitchWidget)


class AudienceConfirmation(Confirmation):
    """Who is to find the documents."""

    visibility = forms.ChoiceField(
        label=_("Visible to"), choices=Document.Visibility.choices, widget=UnfoldAdminRadioSelectWidget
    )
    groups = forms.ModelMultipleChoiceField(
        label=_("Groups"),
        queryset=Group.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Who may find them when they are visible to selected groups."),
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if lacks_audience(values.get("visibility", ""), has_groups=bool(values.get("groups"))):
            self.add_error("groups", NO_AUDIENCE)
        return values


_FORMS: dict[str, type[Confirmation]] = {Action.AUDIENCE: AudienceConfirmation, Action.DELETE: SureConfirmation}


class BulkActions(ModelAdmin):
    """The actions of the list."""

    actions = ("publish", "make_drafts", "archive", "change_audience", "index_again", "delete_documents")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out Django's own deletion, which reads and lists all that it would delete."""
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    @admin.action(description=_("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.PUBLISH)

    @admin.action(description=_("Make drafts"), permissions=["change"])
    def make_drafts(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.DRAFT)

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.ARCHIVE)

    @admin.action(description=_("Change who can find them"), permissions=["change"])
    def change_audience(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.AUDIENCE)

    @admin.action(description=_("Index again"), permissions=["change"])
    def index_again(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.REINDEX)

    @admin.action(description=_("Delete"), permissions=["delete"])
    def delete_documents(self, request: HttpRequest, documents: DocumentQuerySet) -> HttpResponse:
        return self._ask(request, documents, Action.DELETE)

    def _ask(self, request: HttpRequest, documents: DocumentQuerySet, action: Action) -> HttpResponse:
        """Show what would happen; or let it happen, once that was seen and confirmed."""
        form_class = _FORMS.get(action, Confirmation)
        form = form_class(request.POST) if "expected" in request.POST else None
        if form is not None and form.is_valid():
            try:
                return self._begin(request, documents, _wanted(action, form), form.cleaned_data["expected"])
            except BadChange as error:
                self.message_user(request, str(error), messages.WARNING)
                form = None
        outlook = bulk_changes.outlook(documents, Wanted(Action.REINDEX if action == Action.AUDIENCE else action))
        if not outlook.total:
            self.message_user(request, _("There is no document that this is for."), messages.WARNING)
            return redirect(request.get_full_path())
        if form is None:
            form = form_class(initial={"expected": outlook.total, "visibility": Document.Visibility.PUBLIC})
        return self._confirmation(request, documents, action, outlook, form)

    def _begin(self, request: HttpRequest, documents: DocumentQuerySet, wanted: Wanted, expected: int) -> HttpResponse:
        change = tasks.start_bulk_change(documents, wanted, by=cast(User, request.user), expected=expected)
        if change.status != BulkChange.Status.FINISHED:
            return redirect(addresses.bulk_change(change))
        said = [str(DONE[change.action] % change.changed)]
        if change.changed < change.total:
            said.append(str(_AS_BEFORE % (change.total - change.changed)))
        self.message_user(request, " ".join(said), messages.SUCCESS)
        return redirect(request.get_full_path())

    def _confirmation(
        self, request: HttpRequest, documents: DocumentQuerySet, action: Action, outlook: Any, form: Confirmation
    ) -> HttpResponse:
        titles = documents.order_by().values_list("title", "external_id")[:_SHOWN]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": QUESTIONS[action] % outlook.total,
            "effect": EFFECTS[action],
            "outlook": outlook,
            "as_before": outlook.total - outlook.affected,
            "titles": [title or external_id for title, external_id in titles],
            "more": max(0, outlook.total - _SHOWN),
            "states": [(Document.State(state).label, count) for state, count in outlook.by_state],
            "form": form,
            "button": Action(action).label,
            "dangerous": action == Action.DELETE,
            "action": request.POST.getlist("action")[0],
            "across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "back": request.get_full_path(),
            "is_nav_sidebar_enabled": True,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/search/bulk_change_confirm.html", context)


def _wanted(action: Action, form: Confirmation) -> Wanted:
    if action != Action.AUDIENCE:
        return Wanted(action)
    groups = tuple(sorted(group.pk for group in form.cleaned_data["groups"]))
    return Wanted(action, form.cleaned_data["visibility"], groups)
