"""Languages as files declare them, brought to BCP 47. Never guesses a language from a text."""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_LONGEST = 35  # what RFC 5646 asks every implementation to hold
_NONE = {"und", "zxx", "mul", "mis", "root"}


def language_tag(value: object) -> str:
    """Return a well-formed BCP 47 tag in its usual case ("de_at" → "de-AT"), or "" when `value` is none."""
    tag = value.strip().split(".")[0].replace("_", "-") if isinstance(value, str) else ""
    if not _TAG.fullmatch(tag) or len(tag) > _LONGEST:
        return ""
    first, *rest = tag.split("-")
    if first.lower() in _NONE:
        return ""
    return "-".join([first.lower(), *map(_usual_case, rest)])


def _usual_case(subtag: str) -> str:
    if len(subtag) == 2 and subtag.isalpha():
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag.lower()
