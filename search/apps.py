"""The application's start: signals and system checks are connected, nothing heavy is loaded."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SearchConfig(AppConfig):
    """Semantic search over a curated corpus."""

    name = "search"
    verbose_name = _("Search")

    def ready(self) -> None:
        """Connect signals and checks; these modules only define functions."""
        from search import checks, signals
        from search.access import roles
        from search.evaluation import version_gate

        signals.connect()
        # After Django's own receiver, which makes the permissions.
        post_migrate.connect(lambda using, **_kwargs: roles.ensure_roles(using), sender=self, weak=False)
        checks.register_checks()
        version_gate.register()
