"""Buttons on a form that ask before they act. What changes something is only ever a POST."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldBooleanSwitchWidget


class Dialog(BaseDialogForm):
    """A dialog above a form that may have fields of the same names: its labels are for its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "dialog_%s"


class RebuildDialog(Dialog):
    """Asks whether the new version goes live by itself."""

    activate_when_ready = forms.BooleanField(
        label=_("Make the new version live when it passes its checks"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )


class DuplicatesDialog(Dialog):
    """Asks how alike two documents must be to be shown as a pair."""

    threshold = forms.FloatField(
        label=_("Least similarity"),
        initial=0.95,
        min_value=0.5,
        max_value=1.0,
        help_text=_("From 0.5 to 1. At 0.95 pairs differ in some words; at 0.8 they only tell of the same things."),
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
    )


def ask_first(title: str | Promise, description: str | Promise, button: str | Promise) -> ActionDialog:
    """Return a dialog without fields: a question, and a button that says what it does."""
    return ActionDialog(title=title, description=description, form_class=Dialog, form_submit_text=button)


def leave_dialog(request: HttpRequest, response: HttpResponseRedirect) -> HttpResponse:
    """Return the redirect in the way that the asker follows: htmx loads the whole page anew."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": response.url})
    return response
