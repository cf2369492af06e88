from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("search", "0026_document_revisions")]

    operations = [
        migrations.AddField(
            model_name="indexversion",
            name=name,
            field=models.DateTimeField(verbose_name=label, blank=True, null=True, editable=False),
        )
        for name, label in (("check_requested_at", "check asked for"), ("repair_requested_at", "repair asked for"))
    ]
