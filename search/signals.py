"""Turns committed changes into wake-ups for the worker. Decides nothing and indexes nothing."""


def connect() -> None:
    """Connect the receivers; called once, when the application starts."""
