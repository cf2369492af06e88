import django.db.models.deletion
from django.db import migrations, models

import search.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0017_failure_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="left_out",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Files that hold no text, such as pictures and styles.", verbose_name="left out"
            ),
        ),
        migrations.AddField(
            model_name="importjob",
            name="made_collection",
            field=models.BooleanField(
                default=False, help_text="The collection was made for this import, and goes with it while it is empty."
            ),
        ),
        migrations.AddField(
            model_name="sourcedocument",
            name="refused",
            field=models.BooleanField(
                default=False, help_text="Another file had a document of this id before; it is that one's."
            ),
        ),
        migrations.AlterField(
            model_name="importfile",
            name="status",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("finished", "Finished"),
                    ("failed", "Failed"),
                    ("left_out", "Left out"),
                    ("cancelled", "Cancelled"),
                ],
                default="waiting",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.CreateModel(
            name="ImportIdentity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", search.models.fields.StorableCharField(max_length=500)),
                ("line", models.PositiveBigIntegerField()),
                ("place", search.models.fields.StorableCharField(blank=True, default="", max_length=300)),
                (
                    "file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="search.importfile",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to="search.importjob",
                    ),
                ),
            ],
            options={
                "verbose_name": "identity in an import",
                "verbose_name_plural": "identities in imports",
                "constraints": [
                    models.UniqueConstraint(fields=("job", "external_id"), name="search_importidentity_unique")
                ],
            },
        ),
    ]
