"""Tokens for the REST API in the admin: made, shown once, rotated, revoked. All but superusers see their own only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from search.access import tokens
from search.access.scopes import Scope
from search.admin.dialogs import ask_first, leave_dialog
from search.models import ApiToken, Collection

_LIVES = (("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("", _("until it is revoked")))
_SCOPES = (
    (Scope.SEARCH_READ, _("search:read – search, suggestions, similar documents, collections")),
    (Scope.DOCUMENTS_READ, _("documents:read – read documents, exports and imports")),
    (Scope.DOCUMENTS_WRITE, _("documents:write – write and import documents")),
    (Scope.INDEX_MANAGE, _("index:manage – collections, index versions, evaluation, curation")),
)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """What a token is for, what it may do, where and how long."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=_SCOPES,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("It may never do more than its owner."),
    )
    limits = forms.ModelMultipleChoiceField(
        label=_("Collections"),
        queryset=Collection.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text=_("Those that it reaches; none chosen are all."),
    )
    lives = forms.ChoiceField(label=_("It works for"), choices=_LIVES, required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ApiToken
        fields = ("name", "owner")
        widgets: ClassVar = {"name": UnfoldAdminTextInputWidget}


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """The list of tokens, the form that makes one, and the page that shows its secret once."""

    form = TokenForm
    list_display = ("name", "owner", "works", "shown_scopes", "last_used_at", "expires_at")
    list_select_related = ("owner",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("name", "public_id", "owner__username")
    fields = (
        "name", "owner", "public_id", "works", "shown_scopes", "shown_collections", "created_at", "created_by",
        "last_used_at", "expires_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = fields
    actions_detail = ("rotate", "revoke")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """People see their own tokens."""
        found: QuerySet[ApiToken] = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(owner=_person(request))

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """A new token asks; one that exists only tells."""
        if obj is not None:
            return self.fields
        return ("name", *(("owner",) if request.user.is_superuser else ()), "scopes", "limits", "lives")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """Nothing of a token changes."""
        return self.readonly_fields if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose the asker's own token for searching, for three months."""
        return {"owner": request.user.pk, "scopes": [Scope.SEARCH_READ.value], "lives": "90"}

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """A token is rotated or revoked; nothing else of it changes."""
        return False

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("search.change_apitoken"))

    def has_rotate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perms(["search.add_apitoken", "search.change_apitoken"]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Offer one button: what follows is the secret."""
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().add_view(request, form_url, {**(extra_context or {}), **only_save})
        return page

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Issue the token instead of saving the row: only that makes a secret."""
        values = form.cleaned_data
        issued = tokens.issue(
            values.get("owner") or _person(request),
            values["name"],
            values["scopes"],
            collections=values["limits"],
            expires_at=timezone.now() + timedelta(days=int(values["lives"])) if values["lives"] else None,
            by=_person(request),
        )
        obj.pk = issued.token.pk
        obj.refresh_from_db()
        setattr(request, "issued_token", issued)  # noqa: B010

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret, this once."""
        return self._shown_once(request, getattr(request, "issued_token"))  # noqa: B009

    @action(
        description=_("Rotate"),
        url_path="rotate",
        permissions=["rotate"],
        icon="autorenew",
        dialog=ask_first(
            _("Make a new secret?"),
            _("A new token like this one is made and shown once. The old one works for another day at most."),
            _("Rotate"),
        ),
    )
    def rotate(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        try:
            issued = tokens.rotate(self._token(request, object_id), by=_person(request))
        except ValueError:
            return self._done(request, object_id, _("This token is over; make a new one."), messages.ERROR)
        return self._shown_once(request, issued)

    @action(
        description=_("Revoke"),
        url_path="revoke",
        permissions=["end"],
        icon="block",
        variant=ActionVariant.DANGER,
        dialog=ask_first(
            _("End this token?"), _("From the next request on it opens nothing. It cannot be taken back."), _("Revoke")
        ),
    )
    def revoke(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        tokens.revoke(self._token(request, object_id))
        return self._done(request, object_id, _("The token is revoked."), messages.SUCCESS)

    @admin.display(description=_("works"), boolean=True)
    def works(self, token: ApiToken) -> bool:
        return token.works_at(timezone.now()) and token.owner.is_active

    @admin.display(description=_("scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        return token.shown_scopes()

    @admin.display(description=_("collections"))
    def shown_collections(self, token: ApiToken) -> str | Promise:
        if not token.collections_limited:
            return _("all")
        return ", ".join(token.collections.values_list("slug", flat=True)) or _("none: they were deleted")

    def _token(self, request: HttpRequest, object_id: str) -> ApiToken:
        return get_object_or_404(self.get_queryset(request), pk=object_id)

    def _done(self, request: HttpRequest, object_id: str, said: str | Promise, level: int) -> HttpResponse:
        self.message_user(request, str(said), level)
        return leave_dialog(request, redirect(reverse("admin:search_apitoken_change", args=[object_id])))

    def _shown_once(self, request: HttpRequest, issued: tokens.IssuedToken) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("This is the token. It is shown only now."),
            "opts": self.opts,
            "issued": issued,
            "example": example(request.build_absolute_uri, issued),
        }
        response = TemplateResponse(request, "admin/search/token_issued.html", context)
        response["Cache-Control"] = "no-store"
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"  # in the place of the question
        return response


def example(absolute: Callable[[str], str], issued: tokens.IssuedToken) -> str:
    """Return a request that the token can make, ready to be pasted."""
    scopes = issued.token.scopes
    asked = f"{reverse('api:search')}?q=refunds" if Scope.SEARCH_READ in scopes else reverse("api:documents")
    if Scope.SEARCH_READ not in scopes and Scope.DOCUMENTS_READ not in scopes:
        asked = reverse("api:schema")
    return f'curl -H "Authorization: Bearer {issued.text}" "{absolute(asked)}"'


def _person(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has not signed in."""
    return cast(User, request.user)
