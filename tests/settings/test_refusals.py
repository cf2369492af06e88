"""A server is not started with what everybody knows, and says what to do instead."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from semsearch_project.settings.refusals import refusals

GOOD = "kT3v-9Qx_Wm2LzP7rB8nYc4HdJf6GsA1eUoI0tR5yEwX-bNqZMpK"
SERVER = {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "USER": "semsearch", "PASSWORD": "p7-Long-enough"}


def refused(environ: dict[str, str] | None = None, **other: Any) -> list[str]:
    given = {"hosts": ["search.example.org"], "origins": ["https://search.example.org"], "database": SERVER, **other}
    return list(refusals({"DJANGO_SECRET_KEY": GOOD, **(environ or {})}, **given))


def test_what_is_in_order_is_not_refused() -> None:
    assert refused() == []
    for _ in range(200):
        assert refused({"DJANGO_SECRET_KEY": secrets.token_urlsafe(50)}) == []


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "is not set"),
        ("change-me", "placeholder"),
        ("please-change-this-secret-key-please-change-this-secret", "placeholder"),
        ("…", "placeholder"),
        (GOOD[:49], "49 characters"),
        ("ab" * 40, "can be guessed"),
        ("django-insecure-" + GOOD, "can be guessed"),
    ],
)
def test_a_secret_that_is_none_is_refused(secret: str, why: str) -> None:
    (problem,) = refused({"DJANGO_SECRET_KEY": secret})
    assert problem.startswith("DJANGO_SECRET_KEY")
    assert why in problem
    assert "secrets.token_urlsafe(50)" in problem
    assert not secret or len(secret) < 5 or secret not in problem


@pytest.mark.parametrize("hosts", [[], ["*"], ["search.example.org", "*.example.org"]])
def test_hosts_that_are_everybody_are_refused(hosts: list[str]) -> None:
    (problem,) = refused(hosts=hosts)
    assert "DJANGO_ALLOWED_HOSTS" in problem


def test_debug_and_origins_without_tls_are_refused() -> None:
    assert "DJANGO_DEBUG" in refused({"DJANGO_DEBUG": "1"})[0]
    assert refused({"DJANGO_DEBUG": "0"}) == []
    assert "DJANGO_CSRF_TRUSTED_ORIGINS" in refused(origins=["http://search.example.org"])[0]


@pytest.mark.parametrize("password", ["", "postgres", "Password", "semsearch", "…"])
def test_a_password_of_the_database_that_everybody_knows_is_refused(password: str) -> None:
    (problem,) = refused(database={**SERVER, "PASSWORD": password})
    assert "DATABASE_URL" in problem


def test_a_database_without_a_network_needs_no_password() -> None:
    assert refused(database={**SERVER, "HOST": "/run/postgresql", "PASSWORD": ""}) == []
    assert refused(database={"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}) == []


def test_a_short_token_for_metrics_is_refused() -> None:
    assert "SEMSEARCH_METRICS_TOKEN" in refused({"SEMSEARCH_METRICS_TOKEN": "short"})[0]


def test_a_server_that_is_refused_says_everything_at_once_and_one_in_order_passes_the_deploy_check(
    tmp_path: Path,
) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    profile = {**os.environ, "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.production"}
    profile |= {"SEMSEARCH_DATA_DIR": str(tmp_path), "DATABASE_URL": "", "DJANGO_CSRF_TRUSTED_ORIGINS": ""}

    def check(**environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.run(command, env={**profile, **environ}, cwd=root, capture_output=True, text=True)

    wrong = check(DJANGO_SECRET_KEY="change-me", DJANGO_ALLOWED_HOSTS="*")
    assert wrong.returncode == 1
    assert "DJANGO_SECRET_KEY is a placeholder" in wrong.stderr
    assert "DJANGO_ALLOWED_HOSTS has '*'" in wrong.stderr
    right = check(DJANGO_SECRET_KEY=secrets.token_urlsafe(50), DJANGO_ALLOWED_HOSTS="search.example.org")
    assert right.returncode == 0, right.stderr
