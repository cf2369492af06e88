"""JSON in admin forms: shown readably, refused with the place and the reason, never stored where it cannot be.

Python's reader takes NaN, 1e999 and integers of any length; databases do not. What is refused here would
otherwise be a server error at the save.
"""

import json
import math
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextareaWidget


class JsonObjectField(forms.JSONField):
    """A JSON object as text; empty text is the empty object."""

    def to_python(self, value: Any) -> Any:
        if self.disabled or not isinstance(value, str):
            return {} if value is None else value
        return parsed(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        if self.disabled:
            return initial
        try:
            return self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps({} if value is None else value, ensure_ascii=False, indent=2)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True


class JsonTextarea(UnfoldAdminTextareaWidget):
    """A text area for JSON: monospaced, without spell checking."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"rows": 6, "spellcheck": "false", "class": "sem-json", **(attrs or {})})


def parsed(text: str) -> Any:
    """Return the value of a JSON text. Raises ValidationError that says what is wrong and where."""
    if not text.strip():
        return {}
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        message = _("This is not valid JSON: %(reason)s, line %(line)d, column %(column)d.")
        raise ValidationError(message % {"reason": error.msg, "line": error.lineno, "column": error.colno}) from error
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("This JSON cannot be stored: %(reason)s.") % {"reason": error}) from error


def _no_constant(name: str) -> float:
    raise ValueError(_("%(name)s is no JSON number") % {"name": name})


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(_("the number %(text)s is too large") % {"text": text[:30]})
    return number
