"""Users and groups in the admin."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["auth_user_changelist", "auth_user_add", "auth_group_changelist", "auth_group_add"])
def test_lists_and_empty_forms_render(admin_client: Client, name: str) -> None:
    assert admin_client.get(reverse(f"admin:{name}")).status_code == 200


def test_the_forms_of_a_user_and_a_group_render(admin_client: Client) -> None:
    user, group = User.objects.create_user("ada"), Group.objects.create(name="Sales")

    assert admin_client.get(reverse("admin:auth_user_change", args=[user.pk])).status_code == 200
    assert admin_client.get(reverse("admin:auth_user_password_change", args=[user.pk])).status_code == 200
    assert admin_client.get(reverse("admin:auth_group_change", args=[group.pk])).status_code == 200


def test_a_user_is_added_with_a_password(admin_client: Client) -> None:
    posted = {
        "username": "ada",
        "usable_password": "true",
        "password1": "bright-Lamp-77",
        "password2": "bright-Lamp-77",
    }

    answer = admin_client.post(reverse("admin:auth_user_add"), posted)

    assert answer.status_code == 302
    assert User.objects.get(username="ada").check_password("bright-Lamp-77")


def test_curators_do_not_see_accounts(sign_in: SignIn) -> None:
    assert sign_in("change_document").get(reverse("admin:auth_user_changelist")).status_code == 403
