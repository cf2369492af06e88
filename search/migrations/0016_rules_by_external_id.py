"""Curation rules name their document by its external id, so that they outlive it and hold again when it comes back."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

import search.models.fields


def name_documents(apps: Any, schema_editor: Any) -> None:
    """Write each document's external id into its rules; a rule whose document was deleted by SQL has lost it."""
    rules = apps.get_model("search", "CurationRule").objects.using(schema_editor.connection.alias)
    documents = apps.get_model("search", "Document").objects.filter(pk=OuterRef("document_id"))
    for rule in rules.annotate(named=Subquery(documents.values("external_id")[:1])).iterator():
        if rule.named is None:
            rule.delete()
        else:
            rules.filter(pk=rule.pk).update(external_id=rule.named)


def point_to_documents(apps: Any, schema_editor: Any) -> None:
    """Point each rule to the document of its name; before, there were no rules without one."""
    rules = apps.get_model("search", "CurationRule").objects.using(schema_editor.connection.alias)
    documents = apps.get_model("search", "Document").objects.filter(
        collection=OuterRef("collection_id"), external_id=OuterRef("external_id")
    )
    rules.update(document_id=Subquery(documents.values("pk")[:1]))
    rules.filter(document_id=None).delete()


def _pointer(*, null: bool) -> Any:
    return models.ForeignKey(
        db_constraint=False,
        null=null,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="search.document",
        verbose_name="document",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0015_document_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name="curationrule",
            name="external_id",
            field=search.models.fields.StorableCharField(
                default="", max_length=500, verbose_name="document's external id"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(model_name="curationrule", name="document", field=_pointer(null=True)),
        migrations.RunPython(name_documents, point_to_documents),
        migrations.RemoveField(model_name="curationrule", name="document"),
        migrations.SeparateDatabaseAndState(  # it has no column, which SQLite could not take away again
            state_operations=[
                migrations.AddField(
                    model_name="curationrule",
                    name="document",
                    field=models.ForeignObject(
                        editable=False,
                        from_fields=["collection", "external_id"],
                        null=True,
                        serialize=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="search.document",
                        to_fields=["collection", "external_id"],
                        verbose_name="document",
                    ),
                ),
            ]
        ),
    ]
