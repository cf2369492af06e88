"""People who sign in to the admin, by what they may do, and counting of a page's queries."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

SignIn = Callable[..., Client]
CountQueries = Callable[[str], int]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Sign in a staff member who has just the named permissions, such as "view_document"."""

    def made(*permissions: str) -> Client:
        user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        assert user.user_permissions.count() == len(permissions)
        client = Client()
        client.force_login(user)
        return client

    return made


@pytest.fixture
def count_queries(admin_client: Client) -> CountQueries:
    """Count the queries of a page, once everything that is read only the first time has been read."""

    def counted(url: str) -> int:
        assert admin_client.get(url).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url).status_code == 200
        return len(queries)

    return counted
