"""Addresses as files declare them; only those of the web are links that people may follow."""

from urllib.parse import urlsplit

_LONGEST = 2_000  # what a document's address can hold


def web_address(value: object) -> str:
    """Return an absolute http or https address, or "" for everything else."""
    address = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    unfit = len(address) > _LONGEST or any(character.isspace() or not character.isprintable() for character in address)
    return "" if unfit or parts.scheme.lower() not in ("http", "https") or not parts.hostname else address
