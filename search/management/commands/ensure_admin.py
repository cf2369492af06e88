"""Makes the first administrator of an installation, so that `make run` ends at a page one can log in to.

Never changes an account that exists, and never prints a password a second time.
"""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

USERNAME = "admin"


class Command(BaseCommand):
    help = "Create the user “admin” with a random password, if nobody is a superuser yet."

    def handle(self, *args: Any, **options: Any) -> None:
        password = create_first_admin(USERNAME)
        if password is not None:
            self.stdout.write(
                f"The first administrator was made. Name: {USERNAME}  Password: {password}\n"
                "It is shown this once; change it with: .venv/bin/python manage.py changepassword admin"
            )


def create_first_admin(username: str) -> str | None:
    """Create a superuser and return its new password, or None if there is a superuser already.

    Raises CommandError when an account without these rights has the name.
    """
    users = get_user_model().objects
    with transaction.atomic():
        if users.filter(is_superuser=True).exists():
            return None
        if users.filter(username=username).exists():
            raise CommandError(
                f"There is no superuser, and the name {username!r} belongs to an account without these rights. "
                "Make one yourself: manage.py createsuperuser"
            )
        password = secrets.token_urlsafe(12)
        users.create_superuser(username=username, email="", password=password)
    return password
