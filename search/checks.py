"""System checks with stable ids: what is wrong with an installation, said at start instead of at midnight."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import OperationalError

from search import branding
from search.colors import Color
from search.conf import conf
from search.models import triggers


def register_checks() -> None:
    """Register the checks; called once, when the application starts."""
    register(settings_are_known, "semsearch")
    register(lease_outlives_a_step, "semsearch")
    register(branding_can_be_shown, "semsearch")
    register(triggers_are_installed, Tags.database)


def settings_are_known(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001: a key or value of SEMSEARCH is wrong."""
    try:
        conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="search.E001")]
    return []


def lease_outlives_a_step(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W001: the lease may end while its holder is still at work. E002: the broker would deliver a task twice."""
    messages: list[CheckMessage] = []
    values = conf()
    if values.LEASE_SECONDS < 2 * values.TASK_BUDGET_SECONDS:
        messages.append(
            checks.Warning(
                f"LEASE_SECONDS ({values.LEASE_SECONDS:g}) is less than twice TASK_BUDGET_SECONDS "
                f"({values.TASK_BUDGET_SECONDS:g}): a slow step can lose its lease and be done twice.",
                hint="Raise LEASE_SECONDS or lower TASK_BUDGET_SECONDS.",
                id="search.W001",
            )
        )
    visible = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    if visible is not None and float(visible) < 4 * values.TASK_BUDGET_SECONDS:
        messages.append(
            Error(
                f"The broker's visibility_timeout ({visible} s) is below four times TASK_BUDGET_SECONDS: "
                "it would deliver running tasks again and again.",
                hint="Raise visibility_timeout.",
                id="search.E002",
            )
        )
    return messages


def branding_can_be_shown(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E010: SITE_COLOR is no colour. W010: it cannot be read on the page. E011: no logo. E012: no templates."""
    values = conf()
    messages: list[CheckMessage] = []
    try:
        wanted = branding.accents(values.SITE_COLOR)
    except ValueError as error:
        hint = "Write #1f5f4d, or one colour for light and one for dark: #1f5f4d,#93d3ba."
        messages.append(Error(f"SITE_COLOR cannot be read: {error}.", hint=hint, id="search.E010"))
    else:
        messages.extend(_too_pale(values.SITE_COLOR, wanted[0]) if wanted else [])
    if values.SITE_LOGO and not _is_picture(values.SITE_LOGO):
        hint = "Name a picture (SVG, PNG, WebP, JPEG, GIF) by its absolute path, or by its name among the static files."
        messages.append(
            Error(f"SITE_LOGO is {values.SITE_LOGO}: there is no such picture.", hint=hint, id="search.E011")
        )
    if values.SITE_TEMPLATES and not Path(values.SITE_TEMPLATES).is_dir():
        message = f"SITE_TEMPLATES is {values.SITE_TEMPLATES}: there is no such folder."
        messages.append(Error(message, hint="Make it, or take the setting away.", id="search.E012"))
    return messages


def _too_pale(written: str, light: Color) -> list[CheckMessage]:
    shown = branding.readable_on_light(light)
    if shown == light:
        return []
    way_out = f"SITE_COLOR={shown},{written.rsplit(',', maxsplit=1)[-1].strip()}"
    return [
        checks.Warning(
            f"SITE_COLOR {light} cannot be read well on a light page (WCAG 2.2 asks for a contrast of 4.5:1).",
            hint=f"{shown} is shown instead, the nearest that has it. Write {way_out}.",
            id="search.W010",
        )
    ]


def _is_picture(name: str) -> bool:
    if Path(name).is_absolute():
        return branding.logo_type(name) != "" and Path(name).is_file()
    return finders.find(name) is not None


def triggers_are_installed(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W003: the document table has lost its triggers, so that changes would go unseen.

    A warning, because `migrate` refuses to run on an error, and it is what installs them.
    """
    if not databases or "default" not in databases:
        return []
    try:
        if "search_document" not in connection.introspection.table_names() or triggers.installed(connection):
            return []
    except OperationalError:
        return []
    return [
        checks.Warning(
            "The triggers on search_document are missing: changes of documents would not reach the index.",
            hint="Run `manage.py migrate`, which installs them, then `manage.py check_index --repair`.",
            id="search.W003",
        )
    ]
