"""Text and JSON fields that store what every database can store of any Python string (storable.py)."""

from typing import TYPE_CHECKING, Any

from django.db import models

from search.storable import storable, storable_json

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
    _Char = models.CharField[str, str]
else:
    _Text, _Char = models.TextField, models.CharField


class StorableTextField(_Text):
    """A TextField without NUL characters and lone surrogates."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return storable(value) if isinstance(value, str) else value


class StorableCharField(_Char):
    """A CharField without NUL characters and lone surrogates."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return storable(value) if isinstance(value, str) else value


class StorableJSONField(models.JSONField):
    """A JSONField whose strings, keys included, have no NUL characters and lone surrogates."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(storable_json(value), connection, prepared)
