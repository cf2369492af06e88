from django.db import migrations

import search.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0016_rules_by_external_id"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="importjob",
            options={"ordering": ["-id"], "verbose_name": "import", "verbose_name_plural": "imports"},
        ),
        migrations.AddField(
            model_name="importfailure",
            name="place",
            field=search.models.fields.StorableCharField(
                blank=True,
                default="",
                help_text="Where the line's number alone does not say it.",
                max_length=300,
                verbose_name="place",
            ),
        ),
    ]
