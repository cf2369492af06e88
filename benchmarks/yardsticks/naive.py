"""The form that tutorials show: a REST view, SentenceTransformer, IndexFlatL2, and one database query for each hit.

    DATA=folder MODEL=folder python naive.py PORT

One process, because a second one would not see what the first has added to its index.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # served as anybody serves it, and torch is never imported before a fork
    serve = ["-m", "gunicorn", "--chdir", str(Path(__file__).parent), "--bind", f"127.0.0.1:{sys.argv[1]}"]
    serve += ["--worker-class", "gthread", "--threads", "4", "--timeout", "600", "naive:application"]
    os.execv(sys.executable, [sys.executable, *serve])

import django
import faiss
from django.conf import settings
from django.core.wsgi import get_wsgi_application

DATA = Path(os.environ["DATA"])
INDEX_FILE = DATA / "index.faiss"
settings.configure(
    SECRET_KEY="a yardstick",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
)
django.setup()

from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402


class Document(models.Model):
    """A row; its place in the index is its id less one."""

    external_id = models.CharField(max_length=200)
    title = models.TextField()
    body = models.TextField()

    class Meta:
        app_label = "yardstick"

    def __str__(self):
        return self.title


if Document._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Document)
model = SentenceTransformer(os.environ["MODEL"], device="cpu")
index = faiss.read_index(str(INDEX_FILE)) if INDEX_FILE.exists() else faiss.IndexFlatL2(384)


class Documents(APIView):
    """Saves, encodes and adds what is posted."""

    def post(self, request):
        rows = [Document.objects.create(external_id=r["id"], title=r["title"], body=r["text"]) for r in request.data]
        index.add(model.encode([f"{row.title}\n\n{row.body}" for row in rows]))
        faiss.write_index(index, str(INDEX_FILE))
        return Response({"saved": len(rows)})


class Search(APIView):
    """Answers `q` with the nearest `k`."""

    def get(self, request):
        distances, places = index.search(model.encode([request.query_params["q"]]), int(request.query_params["k"]))
        results = []
        for distance, place in zip(distances[0], places[0], strict=True):
            if place >= 0:
                row = Document.objects.get(pk=int(place) + 1)
                results.append({"id": row.external_id, "title": row.title, "text": row.body, "score": float(distance)})
        return Response({"results": results})


urlpatterns = [path("documents", Documents.as_view()), path("search", Search.as_view())]
application = get_wsgi_application()
