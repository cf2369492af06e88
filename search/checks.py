"""System checks with stable ids: what is wrong with an installation, said at start instead of at midnight."""


def register_checks() -> None:
    """Register the checks; called once, when the application starts."""
