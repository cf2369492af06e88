"""The forms that curators fill in. They check what the index would refuse later; they save nothing else."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from search import registry
from search.admin.corpus import chunking_fields, engine_fields
from search.conf import conf
from search.engines.base import BadEngineOptions
from search.models import Collection

OPTION_FIELDS = ("chunking", "engine_options", "retrieval")
_ENCODER_FIELDS = ("encoder_name", "encoder_revision", "encoder_runtime")


class CollectionForm(engine_fields.EngineFields, chunking_fields.ChunkingFields):
    """A collection, with options that chunker, engine and retrieval accept."""

    engine = forms.ChoiceField(label=_("Engine"), widget=UnfoldAdminSelectWidget)
    encoder_runtime = forms.ChoiceField(
        label=_("Encoder runtime"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: the installation's default."),
    )
    activate_when_ready = forms.BooleanField(
        label=_("Make the new version live when it passes its checks"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Otherwise the new version waits, so that you can compare it and activate it yourself."),
    )

    class Meta:
        model = Collection
        fields = (
            "slug", "name", "description", "encoder_name", "encoder_revision", "encoder_runtime",
            "chunking", "engine", "engine_options", "retrieval",
        )  # fmt: skip
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = engine_fields.taken_apart(self.instance.engine_options)
        self.initial.update(chosen.fields, engine_options=chosen.further)
        cut = chunking_fields.taken_apart(self.instance.chunking)
        self.initial.update(cut.fields, chunking=cut.further)
        if "engine" in self.fields:
            self._offer("engine", list(conf().ENGINES))
            self._offer("encoder_runtime", ["", *conf().ENCODERS])
        if "chunking" in self.fields:
            self._offer_chunkers()
        if "engine_options" in self.fields:
            self.fields["engine_options"].label = _("Further engine options")
            self.fields["engine_options"].help_text = _(
                'Search parameters that are not to be tuned, for example {"nprobe": 16}. Empty: the defaults.'
            )

    def clean(self) -> dict[str, Any]:
        """Say beside each field what its part of the software would not accept."""
        super().clean()
        further = self.cleaned_data.get("engine_options", {})
        if isinstance(further, dict) and "engine_options" not in self.errors:
            self.cleaned_data["engine_options"] = self._engine_options(further)
        further = self.cleaned_data.get("chunking", {})
        if isinstance(further, dict) and "chunking" not in self.errors:
            self.cleaned_data["chunking"] = self._chunking(further)
        options = {name: self.cleaned_data.get(name, {}) for name in OPTION_FIELDS}
        engine = self.cleaned_data.get("engine", "")
        problems = registry.validate_collection_options(engine=engine, **options)
        if "engine_options" not in problems and (message := self._does_not_fit(engine, options["engine_options"])):
            problems["engine_options"] = message
        for name, message in problems.items():
            place = self._place(name, message)
            if name not in self.errors and place not in self.errors and place in self.fields:
                self.add_error(place, message)
        return self.cleaned_data

    def _engine_options(self, further: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the fields and of the JSON together; an option in both is an error of the JSON."""
        if self._twice("engine_options", engine_fields.KEYS, further):
            return {}
        return engine_fields.put_together(self.cleaned_data, further)

    def _chunking(self, further: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the fields and of the JSON together, as for the engine."""
        if self._twice("chunking", chunking_fields.KEYS, further):
            return {}
        return chunking_fields.put_together(self.cleaned_data, further, self.instance.chunking)

    def _twice(self, field: str, keys: Iterable[str], further: dict[str, Any]) -> bool:
        for name in keys:
            if name in further:
                message = gettext("%(name)s has a field of its own above; remove it here.") % {"name": name}
                self.add_error(field, message)
                return True
        return False

    def _place(self, name: str, message: str) -> str:
        """Return the field beside which a refusal of one of the options belongs."""
        if name == "engine_options":
            return engine_fields.field_of(message, self.cleaned_data)
        return chunking_fields.field_of(message) if name == "chunking" else name

    def _does_not_fit(self, engine: str, options: dict[str, Any]) -> str:
        """Return why the engine cannot work with vectors of the present encoder, as far as that is known here."""
        version = self.instance.active_version() if self.instance.pk else None
        if version is None or set(_ENCODER_FIELDS) & set(self.changed_data) or engine not in conf().ENGINES:
            return ""
        try:
            registry.engine_for(engine, options).check(version.dimension)
        except BadEngineOptions as error:
            return str(error)
        return ""

    def _offer_chunkers(self) -> None:
        self.fields["chunking"].label = _("Further chunking options")
        self.fields["chunking"].help_text = _("Of a chunker that this installation adds. Empty: none.")
        field = self.fields["chunker"]
        if isinstance(field, forms.ChoiceField):
            field.choices = chunking_fields.choices(conf().CHUNKERS)

    def _offer(self, name: str, values: list[str]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(value, value or _("Default")) for value in values]
