"""Languages by their tags (BCP 47): whether one is well-formed, and what a file's own way of writing it means.

Never guesses a language from a text, and does not ask whether there is such a language.
"""

import re

_WELL_FORMED = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}"  # language; those of four to eight letters do not exist
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"  # extensions, private use
    r"|x(?:-[a-z0-9]{1,8})+)",
    re.IGNORECASE,
)
_LONGEST = 35  # what RFC 5646 asks every implementation to hold
_NONE = {"und", "zxx", "mul", "mis", "root"}


def is_language_tag(value: str) -> bool:
    """Whether this is a tag as RFC 5646 writes one, in any case of letters."""
    return len(value) <= _LONGEST and _WELL_FORMED.fullmatch(value) is not None


def language_tag(value: object) -> str:
    """Return a well-formed tag in its usual case ("de_at" → "de-AT"), or "" when `value` is none."""
    tag = value.strip().split(".")[0].replace("_", "-") if isinstance(value, str) else ""
    if not is_language_tag(tag):
        return ""
    first, *rest = tag.split("-")
    if first.lower() in _NONE:
        return ""
    return "-".join([first.lower(), *map(_usual_case, rest)])


def _usual_case(subtag: str) -> str:
    if len(subtag) == 2 and subtag.isalpha():
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag.lower()
