from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from search.models import triggers


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.install(schema_editor.connection)


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    triggers.uninstall(schema_editor.connection)


class Migration(migrations.Migration):
    """A build that ends its worker again and again is given up.

    SQLite makes the table of versions anew, and cannot while the triggers of documents name it.
    """

    dependencies = [("search", "0019_api_tokens")]

    operations = [
        migrations.RunPython(uninstall, install),
        migrations.AddField(
            model_name="indexversion",
            name="steps_cut_short",
            field=models.PositiveSmallIntegerField(
                default=0,
                editable=False,
                help_text="How often the worker ended in the middle of a step of this build.",
                verbose_name="steps cut short",
            ),
        ),
        migrations.RunPython(install, uninstall),
    ]
