"""What a server must not be started with, each by its variable and with the way out. Pure: no settings here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LEAST_SECRET_CHARS = 50
LEAST_TOKEN_CHARS = 20
_LEAST_DIFFERENT_CHARS = 10
_PLACEHOLDERS = ("change", "insecure", "placeholder", "example", "secret", "your-", "your_", "todo", "xxx", "…", "...")
_DEFAULT_PASSWORDS = (
    "",
    "postgres",
    "password",
    "semsearch",
    "changeme",
    "secret",
    "admin",
    "root",
    "test",
    "…",
    "...",
)
_MAKE_ONE = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(50))"'


def refusals(
    environ: Mapping[str, str], *, hosts: Sequence[str], origins: Sequence[str], database: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence for everything that is wrong."""
    if problem := _of_secret(environ.get("DJANGO_SECRET_KEY", "")):
        yield f"DJANGO_SECRET_KEY {problem}; {_MAKE_ONE}, and give it to web and worker."
    if environ.get("DJANGO_DEBUG", "").lower() not in ("", "0", "false", "no"):
        yield "DJANGO_DEBUG is on: error pages would show settings and texts to everybody. Remove it."
    if not hosts:
        yield "DJANGO_ALLOWED_HOSTS is not set. Name the hosts that people use, separated by commas."
    yield from (
        f"DJANGO_ALLOWED_HOSTS has {host!r}: anybody could choose the host in links. Name the hosts that people use."
        for host in hosts
        if "*" in host or host == "."
    )
    yield from (
        f"DJANGO_CSRF_TRUSTED_ORIGINS has {origin!r}: forms would be accepted from pages without TLS. Write https://…"
        for origin in origins
        if not origin.startswith("https://")
    )
    if _has_default_password(database):
        yield (
            f"DATABASE_URL has no password of its own for {database.get('USER')!r} on {database.get('HOST')!r}. "
            "Set one in the database, and write it into DATABASE_URL."
        )
    if 0 < len(environ.get("SEMSEARCH_METRICS_TOKEN", "")) < LEAST_TOKEN_CHARS:
        yield f"SEMSEARCH_METRICS_TOKEN has fewer than {LEAST_TOKEN_CHARS} characters; {_MAKE_ONE}."


def _of_secret(secret: str) -> str:
    if not secret:
        return "is not set"
    if any(word in secret.lower() for word in _PLACEHOLDERS) and len(set(secret)) < LEAST_SECRET_CHARS // 2:
        return "is a placeholder"
    if len(secret) < LEAST_SECRET_CHARS:
        return f"has {len(secret)} characters, fewer than {LEAST_SECRET_CHARS}"
    if len(set(secret)) < _LEAST_DIFFERENT_CHARS or secret.startswith("django-insecure-"):
        return "can be guessed"
    return ""


def _has_default_password(database: Mapping[str, Any]) -> bool:
    """Tell so of a server that is reached by the network; a socket may know its users by the system's."""
    host = str(database.get("HOST") or "")
    if "sqlite3" in str(database.get("ENGINE")) or not host or host.startswith("/"):
        return False
    password = str(database.get("PASSWORD") or "")
    return password.lower() in _DEFAULT_PASSWORDS or password == database.get("USER")
