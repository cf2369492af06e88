"""Users and groups, in the same clothes as the rest of the admin. Django's own forms and rules stay as they are."""

from axes.utils import reset
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """People who sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = ("let_sign_in",)

    @admin.action(description=_("Let sign in again"), permissions=["change"])
    def let_sign_in(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Forget the wrong passwords that were tried for these users, wherever that was."""
        for user in queryset:
            reset(username=user.get_username())
        self.message_user(request, _("These users can sign in again from everywhere."))


@admin.register(Group)
class TeamAdmin(GroupAdmin, ModelAdmin):
    """Groups, which documents can be shown to."""
