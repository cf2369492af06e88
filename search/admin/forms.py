"""The forms that curators fill in. They check what the index would refuse later; they save nothing else."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from search import registry
from search.conf import conf
from search.models import Collection

OPTION_FIELDS = ("chunking", "engine_options", "retrieval")


class CollectionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """A collection, with options that chunker, engine and retrieval accept."""

    engine = forms.ChoiceField(label=_("Engine"), widget=UnfoldAdminSelectWidget)
    encoder_runtime = forms.ChoiceField(
        label=_("Encoder runtime"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: the installation's default."),
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
        if "engine" in self.fields:
            self._offer("engine", list(conf().ENGINES))
            self._offer("encoder_runtime", ["", *conf().ENCODERS])

    def clean(self) -> dict[str, Any]:
        """Say beside each field what its part of the software would not accept."""
        super().clean()
        options = {name: self.cleaned_data.get(name, {}) for name in OPTION_FIELDS}
        problems = registry.validate_collection_options(engine=self.cleaned_data.get("engine", ""), **options)
        for name, message in problems.items():
            if name not in self.errors and name in self.fields:
                self.add_error(name, message)
        return self.cleaned_data

    def _offer(self, name: str, values: list[str]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(value, value or _("Default")) for value in values]
