import django.db.models.deletion
from django.db import migrations, models

import search.models.fields


class Migration(migrations.Migration):
    """Files of mirrored folders get rows of their own, beside the documents that came out of them."""

    dependencies = [("search", "0004_duplicate_scan")]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="delete_most",
            field=models.BooleanField(
                default=False,
                help_text="Mirror also where more than half of the files are gone, as after an unmount.",
                verbose_name="delete most",
            ),
        ),
        migrations.DeleteModel(name="SourceDocument"),
        migrations.CreateModel(
            name="SourceFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("root", search.models.fields.StorableCharField(max_length=4096, verbose_name="folder")),
                ("path", search.models.fields.StorableCharField(max_length=1000, verbose_name="path")),
                (
                    "label",
                    search.models.fields.StorableCharField(
                        help_text="What its documents are named by.",
                        max_length=1000,
                        verbose_name="path at first sight",
                    ),
                ),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "stamp",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Size and times; empty where they are too young to prove it.",
                        max_length=100,
                    ),
                ),
                (
                    "read_with",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="With which settings it was read; empty until it was.",
                        max_length=32,
                    ),
                ),
                (
                    "read_by",
                    models.BigIntegerField(help_text="The last import that saw every row of it.", null=True),
                ),
                (
                    "moved_by",
                    models.BigIntegerField(help_text="The last import that found it in another place.", null=True),
                ),
                ("gone", models.BooleanField(default=False, verbose_name="gone")),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="search.collection"
                    ),
                ),
            ],
            options={
                "verbose_name": "file of a mirrored folder",
                "verbose_name_plural": "files of mirrored folders",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("collection", "root", "path"), name="search_sourcefile_path_unique"
                    ),
                    models.UniqueConstraint(
                        fields=("collection", "root", "label"), name="search_sourcefile_label_unique"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", search.models.fields.StorableCharField(max_length=500, verbose_name="external id")),
                ("seen_by", models.BigIntegerField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="documents",
                        to="search.sourcefile",
                    ),
                ),
            ],
            options={
                "verbose_name": "document of a mirrored folder",
                "verbose_name_plural": "documents of mirrored folders",
                "indexes": [models.Index(fields=["external_id"], name="search_sourcedocument_by_id")],
                "constraints": [
                    models.UniqueConstraint(fields=("file", "external_id"), name="search_sourcedocument_unique")
                ],
            },
        ),
    ]
