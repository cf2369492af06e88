import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from search.models import triggers


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.install(schema_editor.connection)


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.uninstall(schema_editor.connection)


class Migration(migrations.Migration):
    """Single saves go before bulk ones, and helpers encode stretches of the queue ahead of the writer.

    SQLite makes the table of pending changes anew, and cannot while the triggers of documents name it.
    """

    dependencies = [("search", "0006_document_coverage")]

    operations = [
        migrations.RunPython(uninstall, install),
        migrations.RemoveIndex(model_name="pendingchange", name="search_pending_due"),
        migrations.AddField(
            model_name="pendingchange",
            name="urgent",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Somebody saved this one by itself.",
                verbose_name="urgent",
            ),
        ),
        migrations.AlterField(
            model_name="pendingchange",
            name="version",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pending_changes",
                to="search.indexversion",
                verbose_name="index version",
            ),
        ),
        migrations.AlterField(
            model_name="pendingchange",
            name="document",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="pending_changes",
                to="search.document",
                verbose_name="document",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingchange",
            index=models.Index(fields=["version", "attempts", "id"], name="search_pending_by_attempts"),
        ),
        migrations.AddIndex(
            model_name="pendingchange",
            index=models.Index(
                condition=models.Q(("urgent", True)), fields=["version", "id"], name="search_pending_urgent"
            ),
        ),
        migrations.CreateModel(
            name="EncodingClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_id", models.BigIntegerField(verbose_name="first pending id")),
                ("last_id", models.BigIntegerField(verbose_name="last pending id")),
                ("holder", models.CharField(blank=True, default="", max_length=300, verbose_name="holder")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="encoding_claims",
                        to="search.indexversion",
                        verbose_name="index version",
                    ),
                ),
            ],
            options={
                "verbose_name": "encoding claim",
                "verbose_name_plural": "encoding claims",
                "ordering": ["first_id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_id__gte", models.F("first_id"))),
                        name="search_encodingclaim_ids_ordered",
                    )
                ],
            },
        ),
        migrations.RunPython(install, uninstall),
    ]
