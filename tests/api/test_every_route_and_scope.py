"""Every address and method of the API, found through the URL resolver, with a token of each scope and with dead ones.

An address that is new has to declare a policy, or this fails and names it.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from search.access import tokens
from search.access.scopes import Scope
from search.api.token_policies import TokenPolicy
from search.models import ApiToken, Collection, IndexVersion
from tests.leaks.surroundings import addresses, surround
from tests.leaks.world import World, make_world

pytestmark = pytest.mark.django_db
_METHODS = ("get", "post", "put", "patch", "delete")


def views() -> list[tuple[str, Any]]:
    """Return the name and the view class of every address of the API."""
    api = next(p for p in get_resolver().url_patterns if isinstance(p, URLResolver) and p.app_name == "api")
    patterns = [pattern for pattern in api.url_patterns if isinstance(pattern, URLPattern) and pattern.name]
    return [(str(pattern.name), getattr(pattern.callback, "view_class")) for pattern in patterns]  # noqa: B009


def methods_of(view: Any) -> list[str]:
    return [method.upper() for method in _METHODS if hasattr(view, method)]


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    surround(world)
    return world


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="a-long-password")


def bearer(issued: tokens.IssuedToken) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.text}")
    return client


def ask(client: APIClient, method: str, address: str) -> Any:
    """Send a request without a body, and take back what it did."""
    with transaction.atomic():
        response = getattr(client, method.lower())(address)
        transaction.set_rollback(True)
    return response


def asked(world: World) -> list[tuple[str, str, Scope | None]]:
    """Return an address of every route with each of its methods and the scope that its policy names."""
    policies = dict(views())
    rows, seen = [], set()
    for address in addresses(world, only_read=False):
        name = address_name(address)
        if name not in seen:
            seen.add(name)
            rows += [
                (method, address, policies[name].token_policy.scopes[method]) for method in methods_of(policies[name])
            ]
    assert seen == set(policies), set(policies) - seen
    return rows


def address_name(address: str) -> str:
    return str(get_resolver().resolve(address).url_name)


def test_every_address_declares_for_each_method_what_it_asks_of_tokens() -> None:
    without = [name for name, view in views() if not isinstance(getattr(view, "token_policy", None), TokenPolicy)]
    assert not without, f"declare a token_policy (search/api/token_policies.py) for: {', '.join(without)}"
    partly = [
        f"{name} {method}"
        for name, view in views()
        for method in methods_of(view)
        if method not in view.token_policy.scopes
    ]
    assert not partly, f"their token_policy does not say which scope is needed: {', '.join(partly)}"


def test_each_address_and_method_takes_a_token_of_its_scope_and_of_no_other(world: World, root: User) -> None:
    clients = {scope: bearer(tokens.issue(root, scope, [scope])) for scope in Scope}
    wrong, cases = [], 0
    for method, address, needed in asked(world):
        for scope, client in clients.items():
            cases += 1
            response = ask(client, method, address)
            refused = response.status_code == 403 and b"scope" in response.content
            if refused != (needed not in (None, scope)) or response.status_code == 401:
                wrong.append(f"{method} {address} with {scope}: {response.status_code}")
    print(f"\n{cases} cases")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert cases > 300


def test_no_address_takes_a_token_that_is_over(world: World, root: User) -> None:
    revoked, expired = (tokens.issue(root, name, list(Scope)) for name in ("revoked", "expired"))
    tokens.revoke(revoked.token)
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    clients = {"revoked": bearer(revoked), "expired": bearer(expired)}
    wrong = [
        f"{method} {address}, {name}"
        for method, address, _scope in asked(world)
        for name, client in clients.items()
        if ask(client, method, address).status_code != 401
    ]
    assert not wrong, "\n".join(wrong)


def test_a_token_for_one_collection_changes_nothing_of_another(world: World, root: User) -> None:
    finance = Collection.objects.filter(slug="finance")
    client = bearer(tokens.issue(root, "finance", list(Scope), collections=finance))
    wrong, cases = [], 0
    for address in addresses(world, only_read=False):
        if _of_handbook(address, world):
            cases += 1
            methods = methods_of(dict(views())[address_name(address)])
            answers = {method: ask(client, method, address).status_code for method in methods}
            wrong += [f"{method} {address}: {code}" for method, code in answers.items() if code not in (403, 404)]
    assert not wrong, "\n".join(wrong)
    assert cases > 40


def _of_handbook(address: str, world: World) -> bool:
    """Whether nothing of the collection `finance` is named: it has documents and an index version, and else nothing."""
    kwargs = get_resolver().resolve(address).kwargs
    if "slug" in kwargs or "pk" not in kwargs:
        return kwargs.get("slug") == "handbook"
    if "/documents/" in address:
        return kwargs["pk"] in {pk for name, pk in world.ids.items() if name.startswith("handbook")}
    return (
        "/index-versions/" not in address
        or not IndexVersion.objects.filter(pk=kwargs["pk"], collection__slug="finance").exists()
    )
