"""The application's start: signals and system checks are connected, nothing heavy is loaded."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SearchConfig(AppConfig):
    """Semantic search over a curated corpus."""

    name = "search"
    verbose_name = _("Search")

    def ready(self) -> None:
        """Connect signals and checks; these modules only define functions."""
        from search import checks, signals
        from search.evaluation import version_gate

        signals.connect()
        checks.register_checks()
        version_gate.register()
