"""The embedded default of `make run`: one laptop, plain HTTP, a secret made on first start."""

from .base import *  # noqa: F403
from .base import DATA_DIR, env_list, installation_secret

SECRET_KEY = installation_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env_list("DJANGO_ALLOWED_HOSTS", "*")
