"""Saving never waits for encoding: a web process that saves does not even load what encodes."""

import os
import subprocess
import sys
from pathlib import Path

SAVE_IN_THE_ADMIN = """
import sys
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from search.models import Collection, Document

call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create_superuser("admin"))
collection = Collection.objects.create(slug="docs", name="Docs")
document = {
    "collection": collection.pk, "external_id": "HR-7", "title": "Holidays", "body": "Ask.", "metadata": "",
    "state": "published", "visibility": "public",
}
assert client.post("/admin/search/document/add/", document).status_code == 302
assert client.get("/admin/search/document/").status_code == 200
assert client.get(f"/admin/search/document/{Document.objects.get().pk}/change/").status_code == 200
print([name for name in ("torch", "transformers", "sentence_transformers", "faiss") if name in sys.modules])
"""


def test_saving_in_the_admin_loads_neither_encoder_nor_faiss(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")},
        "DJANGO_SETTINGS_MODULE": "semsearch_project.settings.test",
        "SEMSEARCH_DATA_DIR": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", SAVE_IN_THE_ADMIN], env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout.strip() == "[]", done.stderr
