from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0020_steps_cut_short"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
        ),
    ]
