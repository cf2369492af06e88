"""Serializer fields that accept what the models store, and serializers that refuse what they do not know."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.storable import storable, storable_json

T = TypeVar("T")


class Text(serializers.CharField):
    """Text that came as text: a number in its place is somebody's mistake, and 1.0 would come back as "1.0"."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            shown = json.dumps(data, default=str)[:100]
            raise serializers.ValidationError(
                _("%(value)s is not a text. Put it into quotation marks.") % {"value": shown}
            )
        return str(super().to_internal_value(data))


class StorableText(Text):
    """Text in which NUL becomes a space and a lone surrogate U+FFFD, as it will be stored."""

    def to_internal_value(self, data: Any) -> str:
        return storable(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of some values; a refusal names them."""

    default_error_messages = {"invalid_choice": _("{input} is not one of {known}.")}

    def fail(self, key: str, **values: Any) -> NoReturn:
        shown = json.dumps(values.get("input"), default=str, ensure_ascii=False)[:100]
        super().fail(key, **{**values, "input": shown, "known": ", ".join(map(str, self.choices))})


class RowId(serializers.IntegerField):
    """The id of a row, as far as databases count."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **options)


class ObjectField(serializers.JSONField):
    """A JSON object. A bare value or a list is an error."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_('This must be a JSON object, for example {"team": "sales"}.'))
        stored: dict[str, Any] = storable_json(data)
        return stored


extend_schema_field(OpenApiTypes.OBJECT)(ObjectField)


class KnownFieldsOnly(serializers.Serializer[T]):
    """Refuses fields that it does not have: a misspelt `visibility` must not publish a document to everyone.

    Read-only fields are taken and ignored, so that an answer can be changed and sent back.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
                message = _("There is no such field. Fields: %(known)s.") % {"known": known}
                raise serializers.ValidationError({name: [message] for name in unknown[:20]})
        return super().to_internal_value(data)
