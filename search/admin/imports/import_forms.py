"""The forms of an import: where it goes, what its columns mean, a failed row mended. They write nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from search.admin.imports.encoding_names import encoding_choices
from search.admin.json_fields import JsonObjectField, JsonTextarea
from search.ingestion.jobs import BadImport, ImportOptions
from search.ingestion.mapping import FIELDS
from search.models import Collection, Document, ImportJob

SHOWN_COLUMNS = 200  # a request may have a thousand fields; further columns keep what their names suggest
_MOST_COLUMNS = 5_000
_FIELD_NAMES: dict[str, str | Promise] = {
    "external_id": _("External id"),
    "title": _("Title"),
    "body": _("Text"),
    "url": _("Web address"),
    "language": _("Language"),
    "state": _("State"),
    "visibility": _("Who can find it"),
    "groups": _("Groups"),
    "anchors": _("Places in the text"),
    "metadata": _("Metadata, all of it (a JSON object)"),
}
_UNSAID = ("", _("Not set here"))


def _choice(label: Any, choices: Sequence[tuple[Any, Any]], help_text: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, required=False, help_text=help_text, widget=UnfoldAdminSelectWidget
    )


def _line(label: Any, most: int, help_text: Any = "", **attributes: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs=attributes)
    return forms.CharField(label=label, max_length=most, required=False, help_text=help_text, widget=widget)


def names_in(text: str) -> list[str]:
    """Return the names of a list that is written with commas."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


class NewImportForm(forms.Form):
    """Where the documents go: a collection that is there, or a new one; and what the files are called."""

    collection = forms.ModelChoiceField(
        Collection.objects.order_by("name"),
        label=_("Collection"),
        required=False,
        empty_label=_("Choose a collection…"),
        widget=UnfoldAdminSelectWidget,
    )
    new_collection = _line(_("Or make a new one, named"), 200)
    first = forms.CharField(required=False, max_length=1_000, widget=forms.HiddenInput)
    others = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, may_add_collection: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_add_collection:
            del self.fields["new_collection"]

    def clean_new_collection(self) -> str:
        """Refuse the name of a collection that is there: two of one name cannot be told apart."""
        name = str(self.cleaned_data["new_collection"]).strip()
        if name and Collection.objects.filter(name__iexact=name).exists():
            message = gettext("There is a collection “%s” already. Choose it above, or give the new one another name.")
            raise forms.ValidationError(message % name)
        return name

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        super().clean()
        new = self.cleaned_data.get("new_collection", "").strip()
        if not self.errors and not new and self.cleaned_data.get("collection") is None:
            self.add_error("collection", gettext("Choose the collection that the documents go to."))
        return {**self.cleaned_data, "new_collection": new}


class OptionsForm(forms.Form):
    """What the columns mean, what identifies a row, and what holds for rows that say nothing of it."""

    duplicates = _choice(_("Same text under another id"), ImportJob.Duplicates.choices)
    state = _choice(_("State"), [_UNSAID, *Document.State.choices], _("For rows and files that say nothing of it."))
    visibility = _choice(_("Who can find them"), [_UNSAID, *Document.Visibility.choices])
    groups = _line(_("Groups"), 2_000, _("Names with commas between them, where selected groups can find them."))
    language = _line(_("Language"), 35, placeholder="en")
    encoding = _choice(
        _("Encoding"), encoding_choices(), _("Of texts that do not declare theirs. Change it where letters look wrong.")
    )
    columns = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, job: ImportJob, columns: Sequence[str] = (), mapping: Mapping[str, str] | None = None
    ) -> None:
        columns = list(columns) if data is None else _columns_of(data.get("columns", ""))
        mapping = mapping if mapping is not None else job.mapping
        super().__init__(data, initial=_initial(job, columns))
        self.further = {name: mapping[name] for name in columns[SHOWN_COLUMNS:] if name in mapping}
        self.shown_columns = columns[:SHOWN_COLUMNS]
        self.more_columns = len(columns) - len(self.shown_columns)
        self.fields["encoding"].choices = encoding_choices(job.encoding)  # type: ignore[attr-defined]
        none = ("", gettext("None"))
        self.fields["key_column"] = _choice(
            _("Key column"),
            [none, *((name, name) for name in columns)],
            _("Identifies a row where no column is the external id. With none: the file's name and the row's number."),
        )
        for place, column in enumerate(self.shown_columns):
            self.fields[f"field_{place}"] = _field_choice(column, mapping.get(column, ""))

    def column_rows(self) -> list[tuple[str, forms.BoundField]]:
        """Return each column's name with the field that chooses what becomes of it."""
        return [(column, self[f"field_{place}"]) for place, column in enumerate(self.shown_columns)]

    def options(self) -> ImportOptions:
        """Return what was chosen."""
        values = self.cleaned_data
        chosen = {column: values[f"field_{place}"] for place, column in enumerate(self.shown_columns)}
        defaults: dict[str, Any] = {name: values[name] for name in ("state", "visibility", "language") if values[name]}
        groups = names_in(values["groups"])
        if groups:
            defaults["groups"] = groups
        return ImportOptions(
            mapping={**chosen, **self.further},
            key_column=values["key_column"],
            defaults=defaults,
            duplicates=values["duplicates"] or ImportJob.Duplicates.KEEP,
            encoding=values["encoding"],
        )

    def refuse(self, error: BadImport) -> None:
        """Say beside the fields, or above them, why an import cannot be so."""
        for name, reason in error.problems.items():
            self.add_error(name if name in self.fields else None, reason)


class MendForm(forms.Form):
    """A row that did not get in, as the document that it was meant to be."""

    external_id = forms.CharField(label=_("External id"), max_length=500, widget=UnfoldAdminTextInputWidget)
    title = _line(_("Title"), 1_000)
    body = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "dir": "auto"}),
    )
    url = _line(_("Web address"), 2_000)
    language = _line(_("Language"), 35, _("As in en, de or pt-BR."))
    state = _choice(_("State"), [_UNSAID, *Document.State.choices])
    visibility = _choice(_("Who can find it"), [_UNSAID, *Document.Visibility.choices])
    groups = _line(_("Groups"), 2_000, _("Names with commas between them."))
    metadata = JsonObjectField(label=_("Metadata"), required=False, widget=JsonTextarea)
    replace = forms.BooleanField(
        label=_("Replace a newer document"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Also where a document of this external id was written since the import began."),
    )

    @classmethod
    def initial_of(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row's fields as this form begins with them, whatever the row holds."""
        known = {name: value for name, value in values.items() if name in cls.base_fields}
        groups = known.get("groups")
        return {**known, "groups": ", ".join(map(str, groups)) if groups else ""}

    def values(self) -> dict[str, Any]:
        """Return the document's fields; what was left empty and has a default of its own is not named."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "replace"}
        groups = names_in(given.pop("groups"))
        for name in ("state", "visibility"):
            if not given[name]:
                del given[name]
        return {**given, "groups": groups} if groups else given

    def refuse(self, error: BadImport) -> None:
        """Say beside the fields, or above them, why the document cannot be stored so."""
        for name, reason in error.problems.items():
            self.add_error(name if name in self.fields else None, reason)


def _columns_of(text: str) -> list[str]:
    """Return the columns that the page was made with."""
    try:
        columns = json.loads(text or "[]")
    except ValueError:
        return []
    return [name for name in columns if isinstance(name, str)][:_MOST_COLUMNS] if isinstance(columns, list) else []


def _initial(job: ImportJob, columns: Sequence[str]) -> dict[str, Any]:
    defaults = job.defaults
    return {
        "key_column": job.key_column,
        "duplicates": job.duplicates_policy,
        "encoding": job.encoding,
        **{name: defaults.get(name, "") for name in ("state", "visibility", "language")},
        "groups": ", ".join(defaults.get("groups", [])),
        "columns": json.dumps(list(columns), ensure_ascii=False),
    }


def _field_choice(column: str, chosen: str) -> forms.ChoiceField:
    """Return what may become of a column: a field, an entry of the metadata under its own name, or nothing."""
    entries = dict.fromkeys([f"metadata.{column}", *([chosen] if chosen.startswith("metadata.") else [])])
    choices = [
        ("", gettext("Leave out")),
        *((field, _FIELD_NAMES[field]) for field in FIELDS),
        *((entry, gettext("Metadata: %s") % entry.removeprefix("metadata.")) for entry in entries),
    ]
    field = _choice(column, choices)
    field.initial = chosen
    return field
