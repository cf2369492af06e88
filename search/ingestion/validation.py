"""Whether a document's new values can be stored: the model's own rules, in words that name the field."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from search.conf import conf
from search.models import Document
from search.models.corpus import validate_anchors
from search.storable import storable

DEFAULTS = ("state", "visibility", "language", "groups")
_MOST_CHARS = {"title": 1_000, "url": 2_000, "language": 35, "external_id": 500}


class BadValues(ValueError):
    """A document's values cannot be stored: `problems` says why, by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems.items()))
        self.problems = dict(problems)


def check_document(external_id: str, values: Mapping[str, Any]) -> None:
    """Raise BadValues unless a document with these values can be stored."""
    problems: dict[str, str] = {}
    for name, most in _MOST_CHARS.items():
        value = external_id if name == "external_id" else values.get(name, "")
        if isinstance(value, str) and len(value) > most:
            problems[name] = _("It has %(chars)d characters; at most %(most)d fit.") % {
                "chars": len(value), "most": most
            }  # fmt: skip
    if storable(external_id) != external_id:
        problems["external_id"] = _("NUL characters and lone surrogates cannot be part of an id.")
    body = values.get("body", "")
    if isinstance(body, str) and len(body) > conf().MAX_DOCUMENT_CHARS:
        problems["body"] = _("The text has %(chars)d characters; the limit is %(limit)d. Split the document.") % {
            "chars": len(body), "limit": conf().MAX_DOCUMENT_CHARS
        }  # fmt: skip
    if "anchors" in values:
        problems |= _of_anchors(values["anchors"])
    problems = {**_by_the_model(external_id, values, problems), **problems}
    if problems:
        raise BadValues(problems)


def check_defaults(defaults: Mapping[str, Any]) -> None:
    """Raise BadValues unless these can be the values of documents whose rows say nothing of them."""
    unknown = [name for name in defaults if name not in DEFAULTS]
    if unknown:
        known = ", ".join(DEFAULTS)
        raise BadValues({unknown[0]: _("There is no such default; known: %(known)s.") % {"known": known}})
    groups = defaults.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(name, str) for name in groups):
        raise BadValues({"groups": _("Expected a list of group names.")})
    check_document("any", {name: value for name, value in defaults.items() if name != "groups"})


def _by_the_model(external_id: str, values: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, str]:
    given = {name: value for name, value in values.items() if name not in found and name != "anchors"}
    names = {*given, "external_id"} - set(found)
    document = Document(external_id=external_id, **given)
    try:
        document.clean_fields(exclude={field.name for field in Document._meta.fields} - names)
        document.clean()
    except ValidationError as error:
        return {field: " ".join(reasons) for field, reasons in error.message_dict.items()}
    return {}


def _of_anchors(value: Any) -> dict[str, str]:
    try:
        validate_anchors(value)
    except ValidationError as error:
        return {"anchors": " ".join(error.messages)}
    return {}
