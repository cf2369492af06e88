"""The buttons on an index version's page: each asks first, makes one call, and says what happened.

Only what can work is offered; what has become impossible in the meantime is refused with the reason.
"""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from search import tasks
from search.admin import addresses
from search.admin.dialogs import Dialog, ask_first, leave_dialog
from search.indexing import gate, lifecycle, retention
from search.models import IndexVersion

ACTIONS = ("activate", "override", "roll_back", "cancel_build", "prune")
_REFUSALS = (
    lifecycle.CannotActivate,
    lifecycle.CannotRollBack,
    lifecycle.CannotCancel,
    retention.CannotPrune,
)
_REASON_CHARS = 500


class OverrideDialog(Dialog):
    """Asks why, because the next person will."""

    form_before_template = "admin/search/override_dialog.html"

    reason = forms.CharField(
        label=_("Reason"),
        max_length=_REASON_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("It is kept in the version's history with your name."),
    )

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        report = gate.report_of(_version(object_id))
        return {"refusals": report.refusals if report is not None else []}


class RollBackDialog(Dialog):
    """Says first how much the version does not know."""

    form_before_template = "admin/search/roll_back_dialog.html"

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        version = _version(object_id)
        return {"version": version, "missed": lifecycle.missed(version)}


def offered(version: IndexVersion) -> set[str]:
    """Return which buttons can work for a version as it is now."""
    if version.pruned_at is not None:
        return set()
    if version.state == IndexVersion.State.RETIRED:
        return {"roll_back", "prune"}
    if version.state == IndexVersion.State.FAILED:
        return {"prune"}
    if version.state == IndexVersion.State.ACTIVE:
        return set()
    if version.state != IndexVersion.State.READY:
        return {"cancel_build"}
    report = gate.report_of(version)
    settled = report is not None and not version.pending_changes.waiting().exists()
    if report is None or not settled:
        return {"cancel_build"} if version.activate_when_ready else {"cancel_build", "activate"}
    return {"cancel_build", "activate" if report.passed else "override"}


class VersionActions(ModelAdmin):
    """The buttons, for the admin class of index versions."""

    actions_detail = ACTIONS

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[UnfoldAction]:
        """Offer only what can work."""
        known = str(object_id).isdecimal()  # whatever stands in the address
        version = IndexVersion.objects.filter(pk=object_id).first() if known else None
        possible = offered(version) if version is not None else set()
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        return [offer for offer in actions if offer.method.original_function_name in possible]

    def has_steer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("search.change_indexversion"))

    def has_override_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("search.override_gate"))

    def has_prune_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("search.delete_indexversion"))

    @action(
        description=_("Activate"),
        url_path="activate",
        permissions=["steer"],
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        dialog=ask_first(
            _("Make this version live?"),
            _("Every search uses it from its next query on; the version that is live now is retired and kept."),
            _("Activate"),
        ),
    )
    def activate(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        def do(version: IndexVersion) -> str | Promise:
            if lifecycle.activate(version, by=_person(request)):
                return _("%s is live.") % version
            return _("%s goes live by itself once the worker has judged it as it is now.") % version

        return self._done(request, object_id, do)

    @action(
        description=_("Activate against the gate"),
        url_path="override",
        permissions=["steer", "override"],
        icon="gpp_maybe",
        variant=ActionVariant.WARNING,
        dialog={
            "title": _("Make this version live although it is refused?"),
            "description": _("Every search uses it from its next query on."),
            "form_class": OverrideDialog,
            "form_submit_text": _("Activate anyway"),
        },
    )
    def override(self, request: HttpRequest, form: OverrideDialog, object_id: str) -> HttpResponse:
        def do(version: IndexVersion) -> str | Promise:
            lifecycle.activate(version, by=_person(request), override_reason=form.cleaned_data["reason"])
            return _("%s is live, against its gate; your reason is in its history.") % version

        return self._done(request, object_id, do)

    @action(
        description=_("Roll back to this version"),
        url_path="roll-back",
        permissions=["steer"],
        icon="undo",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Take this version back?"),
            "description": _("Its encoder, chunking and engine come back, with today's documents."),
            "form_class": RollBackDialog,
            "form_submit_text": _("Roll back"),
        },
    )
    def roll_back(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        def do(version: IndexVersion) -> str | Promise:
            missed = tasks.roll_back(version, by=_person(request))
            if version.state == IndexVersion.State.ACTIVE:
                return _("%s is live again. It had missed nothing.") % version
            said = ngettext(
                "Taking %(version)s back: it applies %(count)d change that it missed, and is then judged.",
                "Taking %(version)s back: it applies %(count)d changes that it missed, and is then judged.",
                missed.total,
            )
            return said % {"version": version, "count": missed.total}

        return self._done(request, object_id, do)

    @action(
        description=_("Cancel this version"),
        url_path="cancel",
        permissions=["steer"],
        icon="cancel",
        dialog=ask_first(
            _("Give this version up?"),
            _("The live version stays as it is. Texts that have been encoded for this one need no encoding again."),
            _("Cancel this version"),
        ),
    )
    def cancel_build(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        def do(version: IndexVersion) -> str | Promise:
            lifecycle.cancel(version, by=_person(request))
            return _("%s is cancelled.") % version

        return self._done(request, object_id, do)

    @action(
        description=_("Prune"),
        url_path="prune",
        permissions=["prune"],
        icon="delete",
        variant=ActionVariant.DANGER,
        dialog=ask_first(
            _("Delete what this version holds?"),
            _(
                "Its files, chunks and vectors that no version can use go. It can never be taken back. "
                "What it was and what was measured on it stays on this page."
            ),
            _("Prune"),
        ),
    )
    def prune(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        def do(version: IndexVersion) -> str | Promise:
            retention.prune(version, by=_person(request))
            return _("%s is pruned; the worker clears away what it held.") % version

        return self._done(request, object_id, do)

    def _done(self, request: HttpRequest, object_id: str, do: Callable[[IndexVersion], str | Promise]) -> HttpResponse:
        """Do it, say what happened or why it could not, and go back to the version's page."""
        version = _version(object_id)
        try:
            self.message_user(request, do(version), messages.SUCCESS)
        except _REFUSALS as error:
            self.message_user(request, str(error), messages.ERROR)
        return leave_dialog(request, redirect(addresses.index_version(version)))


def _version(object_id: int | str | None) -> IndexVersion:
    return get_object_or_404(IndexVersion.objects.select_related("collection"), pk=object_id)


def _person(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has not signed in."""
    return cast(User, request.user)
