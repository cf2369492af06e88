"""Settings of the test run: no manifest for static files, fast password hashes, an in-memory broker.

Journeys start web and worker as processes of their own, with the dev profile.
"""

from .base import *  # noqa: F403

SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SEMSEARCH = {**SEMSEARCH, "REQUESTS_PER_MINUTE": 0, "TOKEN_REQUESTS_PER_MINUTE": 0, "GUESSES_PER_MINUTE": 0}  # noqa: F405
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
