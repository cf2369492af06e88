"""Guessing passwords ends soon, for names that exist and for others alike, and only from where it came."""

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

PASSWORD = "a-right-password-7"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOGIN_FAILURES": 3, "LOGIN_LOCK_SECONDS": 600}


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna", password=PASSWORD)


def sign_in(name: str, password: str, **meta: Any) -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password}, **meta)


def ask(name: str, password: str, **meta: Any) -> Any:
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client().get("/api/v1/collections/", headers={"Authorization": f"Basic {basic}"}, **meta)


def lock(name: str, **meta: Any) -> list[int]:
    return [sign_in(name, "wrong", **meta).status_code for _ in range(3)]


def without_ids(answer: Any) -> str:
    return str(answer.content.decode()).replace(answer.headers["X-Request-ID"], "")


def test_after_some_failures_even_the_right_password_is_not_looked_at(anna: User) -> None:
    assert lock("anna") == [200, 200, 429]
    answer = sign_in("anna", PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "600"
    assert "For 10 minutes" in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_a_name_that_does_not_exist_is_treated_as_one_that_does(anna: User) -> None:
    assert lock("nobody") == lock("anna")
    assert without_ids(sign_in("nobody", "wrong")) == without_ids(sign_in("anna", "wrong"))


def test_from_another_address_the_user_can_sign_in(anna: User) -> None:
    lock("anna", REMOTE_ADDR="203.0.113.9")
    assert sign_in("anna", PASSWORD, REMOTE_ADDR="203.0.113.10").status_code == 302


def test_a_right_password_ends_the_count(anna: User) -> None:
    for _ in range(3):
        assert sign_in("anna", "wrong").status_code == 200
        assert sign_in("anna", "wrong").status_code == 200
        assert sign_in("anna", PASSWORD).status_code == 302


def test_behind_a_proxy_the_visitors_are_told_apart_and_cannot_choose_an_address(anna: User, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PROXIES": 1}
    for made_up in ("198.51.100.1", "198.51.100.2", "198.51.100.3"):
        sign_in("anna", "wrong", headers={"X-Forwarded-For": f"{made_up}, 203.0.113.9"})
    assert sign_in("anna", PASSWORD, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 429
    assert sign_in("anna", PASSWORD, headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 302


def test_without_proxies_of_ours_the_header_changes_nothing(anna: User) -> None:
    for number in range(3):
        sign_in("anna", "wrong", headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert sign_in("anna", PASSWORD).status_code == 429


def test_the_api_counts_too_and_says_the_same_of_a_locked_user_as_of_a_wrong_password(anna: User) -> None:
    assert ask("anna", PASSWORD).status_code == 200
    wrong = [ask("anna", "wrong") for _ in range(3)]
    locked = ask("anna", PASSWORD)
    assert [answer.status_code for answer in [*wrong, locked]] == [401] * 4
    assert locked.json()["detail"] == wrong[0].json()["detail"]
    assert sign_in("anna", PASSWORD).status_code == 429


def test_long_names_and_addresses_that_are_none_are_no_errors() -> None:
    assert ask("x" * 5_000, "wrong").status_code == 401
    assert ask("anna", "wrong", REMOTE_ADDR="").status_code == 401


def test_the_command_lets_somebody_in_again(anna: User) -> None:
    lock("anna")
    call_command("axes_reset_username", "anna")
    assert sign_in("anna", PASSWORD).status_code == 302


def test_the_list_of_users_lets_somebody_in_again(anna: User) -> None:
    lock("anna", REMOTE_ADDR="203.0.113.9")
    admin = Client()
    admin.force_login(anna)
    admin.post("/admin/auth/user/", {"action": "let_sign_in", "_selected_action": [anna.pk]})
    assert sign_in("anna", PASSWORD, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_what_is_kept_of_a_failed_attempt_is_no_query_and_no_password(anna: User) -> None:
    from axes.models import AccessAttempt

    basic = base64.b64encode(b"anna:wrong-and-private").decode()
    Client().get("/api/v1/search/", {"q": "xylophonequux"}, headers={"Authorization": f"Basic {basic}"})
    sign_in("anna", "wrong-and-private")
    kept = " ".join(f"{a.get_data} {a.post_data} {a.path_info}" for a in AccessAttempt.objects.all())
    assert AccessAttempt.objects.count() == 1
    assert "xylophonequux" not in kept
    assert "wrong-and-private" not in kept


@pytest.mark.django_db
def test_who_opens_the_sign_in_page_itself_comes_to_the_overview() -> None:
    User.objects.create_superuser("root", password="a-long-password")

    answer = Client().post("/admin/login/", {"username": "root", "password": "a-long-password"})

    assert answer["Location"] == "/admin/"
