from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from search.models import triggers


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.install(schema_editor.connection)


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.uninstall(schema_editor.connection)


class Migration(migrations.Migration):
    """A version keeps what its scores mean.

    SQLite makes the table of versions anew, and cannot while the triggers of documents name it.
    """

    dependencies = [("search", "0011_curation")]

    operations = [
        migrations.RunPython(uninstall, install),
        migrations.AddField(
            model_name="indexversion",
            name="calibration",
            field=models.JSONField(blank=True, default=dict, editable=False, verbose_name="calibration"),
        ),
        migrations.RunPython(install, uninstall),
    ]
