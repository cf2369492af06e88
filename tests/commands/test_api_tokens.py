"""`manage.py api_tokens`."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection

pytestmark = pytest.mark.django_db


def said(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("api_tokens", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_token_is_made_listed_rotated_and_revoked(collection: Collection) -> None:
    User.objects.create_user("ada")

    first = said("create", "ada", "intranet", "--scope", "search:read", "--collection", "docs", "--days", "30")
    made = tokens.authenticate(first)
    assert made is not None and list(made.collections.all()) == [collection]
    second = said("rotate", made.public_id)
    assert tokens.authenticate(first) and tokens.authenticate(second)
    said("revoke", made.public_id)
    assert tokens.authenticate(first) is None
    listed = said("list").splitlines()
    assert [line.split()[2] for line in listed] == ["works", "over"]
    assert first.rpartition("_")[2] not in "".join(listed)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("create", "nobody", "x", "--scope", "search:read"), "There is no user nobody"),
        (("create", "ada", "x", "--scope", "search:read", "--collection", "none"), "There is no collection none"),
        (("revoke", "0000"), "There is no token 0000"),
    ],
)
def test_what_does_not_exist_is_named(arguments: tuple[str, ...], reason: str) -> None:
    User.objects.create_user("ada")

    with pytest.raises(CommandError, match=reason):
        said(*arguments)
    assert not ApiToken.objects.exists()


def test_a_token_that_is_over_is_not_rotated(admin_user: User) -> None:
    token = tokens.issue(admin_user, "x", [Scope.SEARCH_READ]).token
    tokens.revoke(token)

    with pytest.raises(CommandError, match="make a new one"):
        said("rotate", token.public_id)
