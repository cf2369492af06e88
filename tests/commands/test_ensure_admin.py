"""The first administrator is made once, and nobody's account is ever changed."""

import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def ensure_admin() -> str:
    output = StringIO()
    call_command("ensure_admin", stdout=output)
    return output.getvalue()


def test_the_printed_name_and_password_open_the_admin() -> None:
    printed = re.search(r"Name: (\S+)  Password: (\S+)", ensure_admin())
    assert printed is not None
    user = authenticate(username=printed[1], password=printed[2])
    assert isinstance(user, User)
    assert user.is_superuser


def test_the_second_time_nothing_is_made_or_printed() -> None:
    ensure_admin()
    assert ensure_admin() == ""
    assert User.objects.count() == 1


def test_nothing_happens_when_somebody_else_is_a_superuser() -> None:
    User.objects.create_superuser("rosa", password="her-own")
    assert ensure_admin() == ""
    assert not User.objects.filter(username="admin").exists()


def test_an_account_that_has_the_name_without_the_rights_is_left_alone() -> None:
    User.objects.create_user("admin", password="not-an-admin")
    with pytest.raises(CommandError, match="manage.py createsuperuser"):
        ensure_admin()
    assert not User.objects.get(username="admin").is_superuser
