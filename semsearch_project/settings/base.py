"""Settings shared by every profile.

Everything that differs between installations comes from the environment: `DATABASE_URL`,
`CELERY_BROKER_URL`, `DJANGO_*` and one `SEMSEARCH_<KEY>` variable for each key of `SEMSEARCH`
(docs/settings.md lists them). Nothing here touches the network or loads an encoder.
"""

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from search.branding import admin_shades, site
from search.conf import semsearch_from_environment
from semsearch_project.logs import is_no_sweep

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SEMSEARCH: dict[str, Any] = semsearch_from_environment(os.environ, default_data_dir=BASE_DIR / "var")
DATA_DIR = Path(SEMSEARCH["DATA_DIR"])
DATA_DIR.mkdir(parents=True, exist_ok=True)


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated environment variable `name` as a list without blanks."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def installation_secret(path: Path) -> str:
    """Return the installation's secret key, made on first use and readable by its owner only."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(fd, "w") as handle:
        key = secrets.token_urlsafe(50)
        handle.write(key)
    return key


DEBUG = False
ALLOWED_HOSTS = env_list("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "axes",
    "search.apps.SearchConfig",
]

MIDDLEWARE = [
    "semsearch_project.request_ids.RequestIdMiddleware",
    "search.web.content_policy.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "search.web.language.VisitorsLanguageMiddleware",
    "semsearch_project.request_limits.RequestLimitsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "semsearch_project.authors.AuthorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "semsearch_project.urls"
WSGI_APPLICATION = "semsearch_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*filter(None, [SEMSEARCH.get("SITE_TEMPLATES")]), BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"semsearch_admin": "search.admin.template_tags"},
        },
    },
]

DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'semsearch.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # synchronous=FULL: a save that returned success survives a power cut (decision 0003).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_REDIRECT_URL = "admin:index"  # who opens the sign-in page itself is going there
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Guessing passwords: semsearch_project/login_limits.py says how much of it is let through.
AUTHENTICATION_BACKENDS = [
    "semsearch_project.login_limits.LoginLimitBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = "semsearch_project.login_limits.failure_limit"
AXES_COOLOFF_TIME = "semsearch_project.login_limits.cool_off"
AXES_CLIENT_IP_CALLABLE = "semsearch_project.login_limits.address"
AXES_USERNAME_CALLABLE = "semsearch_project.login_limits.name"
AXES_LOCKOUT_CALLABLE = "semsearch_project.login_limits.refused"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # who signed in when is nobody's business here
AXES_ENABLE_ADMIN = False  # the list of users has the way out
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "q", "text", "filter"]  # are not kept with a failed attempt

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024

# --- Celery: the embedded default is kombu's filesystem transport, with folders of its own.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://localhost//"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    _messages, _control = DATA_DIR / "broker" / "messages", DATA_DIR / "broker" / "control"
    for _folder in (_messages, _control):
        _folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_messages),
        "data_folder_out": str(_messages),
        "control_folder": str(_control),
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith(("redis", "valkey")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 3600,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A worker serves both unless told otherwise; one with `-Q encoding` only encodes ahead of the others, without files.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "encoding")]
CELERY_TASK_ROUTES = {"search.encode_ahead": {"queue": "encoding"}}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "search.api.authentication.BasicAuthentication",
        "search.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # A view that forgets to say who may use it is for administrators only.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_PARSER_CLASSES": ["search.api.parsers.LimitedJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "search.api.pagination.IdCursorPagination",
    "DEFAULT_METADATA_CLASS": None,  # the schema says it all, and OPTIONS would look up objects to say less
    "DEFAULT_SCHEMA_CLASS": "search.api.openapi.OpenApiSchema",
    "EXCEPTION_HANDLER": "search.api.problems.problem_details_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Semsearch",
    "DESCRIPTION": "Search, documents and index versions of a Semsearch installation. Errors are problem details "
    "as in RFC 9457.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "search.api.examples.add_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "DocumentState": "search.models.Document.State",
        "IndexVersionState": "search.models.IndexVersion.State",
        "SegmentState": "search.models.Segment.State",
        "QuerySetSource": "search.models.EvaluationQuerySet.Source",
        "ImportJobSource": "search.models.ImportJob.Source",
        "JudgmentSource": "search.models.Judgment.Source",
        "ImportJobStatus": "search.models.ImportJob.Status",
        "ImportFileStatus": "search.models.ImportFile.Status",
        "ImportFailureState": "search.models.ImportFailure.State",
        "BulkChangeAction": "search.models.BulkChange.Action",
        "WorkStatus": "search.models.BulkChange.Status",
        "RuleAction": "search.models.CurationRule.Action",
        "PairState": "search.models.DuplicatePair.State",
        "DocumentVisibility": "search.models.Document.Visibility",
        "RevisionHow": "search.models.DocumentRevision.How",
        "LineStatus": "search.api.bulk.Status",
        "SearchMode": "search.query_service.MODES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Without this the page shows a badge that a server elsewhere makes from the schema.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "OAS_VERSION": "3.1.0",
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    # "Try again soon" is an answer, not an error of the server.
    "filters": {
        "not_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        },
        "no_sweeps": {"()": "django.utils.log.CallbackFilter", "callback": is_no_sweep},
    },
    "formatters": {
        "lines": {"()": "semsearch_project.logs.Lines", "texts": SEMSEARCH.get("LOG_TEXTS", False)},
        "json": {"()": "semsearch_project.logs.JsonLines", "texts": SEMSEARCH.get("LOG_TEXTS", False)},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": os.environ.get("DJANGO_LOG_FORMAT") or "lines",
            "filters": ["not_503", "no_sweeps"],
        }
    },
    "root": {"handlers": ["console"], "level": os.environ.get("DJANGO_LOG_LEVEL", "INFO")},
    "loggers": {
        **{name: {"level": "WARNING"} for name in ("faiss.loader", "httpx", "sentence_transformers")},
        "axes": {"level": "CRITICAL"},  # names what was typed as a name; each refusal is an answer with status 429
        "django.request": {"level": "ERROR"},  # each answer has a line of its own, without what was typed
        "django.db.backends": {"level": "WARNING"},  # statements have texts in them
        "django.server": {"level": "ERROR", "handlers": ["console"], "propagate": False},
        "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
    },
}


def _menu_item(title: Any, icon: str, model: str) -> dict[str, Any]:
    """Return an entry of the admin's menu, shown to those who may see the model `app.name`."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": lambda request: site().name,
    "SITE_HEADER": lambda request: site().name,
    "SITE_URL": reverse_lazy("web:search"),
    "SITE_ICON": lambda request: site().logo_url or static("search/favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda request: site().logo_url or static("search/favicon.svg")}],
    "STYLES": [lambda request: static("search/admin/admin.css")],
    "DASHBOARD_CALLBACK": "search.admin.dashboard.dashboard",
    "COLORS": {
        "base": {
            "50": "#fafaf9", "100": "#f5f5f4", "200": "#e7e5e4", "300": "#d6d3d1", "400": "#a8a29e", "500": "#78716c",
            "600": "#57534e", "700": "#44403c", "800": "#292524", "900": "#1c1917", "950": "#0c0a09",
        },
        "primary": admin_shades(SEMSEARCH.get("SITE_COLOR", "")) or {
            "50": "#eef6f2", "100": "#d8eae2", "200": "#b3d6c8", "300": "#84bba7", "400": "#55a088", "500": "#33836b",
            "600": "#1f6b55", "700": "#1a5444", "800": "#174438", "900": "#13382f", "950": "#0a201b",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "title": _("Corpus"),
                "items": [
                    {"title": _("Overview"), "icon": "home", "link": reverse_lazy("admin:index")},
                    _menu_item(_("Collections"), "folder_open", "search.collection"),
                    _menu_item(_("Documents"), "description", "search.document"),
                    _menu_item(_("Imports"), "upload_file", "search.importjob"),
                    _menu_item(_("Duplicates"), "content_copy", "search.duplicatepair"),
                    {
                        "title": _("Search page"),
                        "icon": "search",
                        "link": reverse_lazy("web:search"),
                        "active": lambda request: False,  # unfold takes "/" for the beginning of every address
                    },
                ],
            },
            {
                "title": _("Quality"),
                "separator": True,
                "items": [
                    {
                        "title": _("Query reports"),
                        "icon": "query_stats",
                        "link": reverse_lazy("admin:search_searchlog_reported"),
                        "permission": lambda request: request.user.has_perm("search.view_searchlog"),
                    },
                    _menu_item(_("Curation rules"), "push_pin", "search.curationrule"),
                    _menu_item(_("Synonyms"), "sync_alt", "search.synonymset"),
                    _menu_item(_("Query sets"), "fact_check", "search.evaluationqueryset"),
                    _menu_item(_("Runs"), "monitoring", "search.evaluationrun"),
                ],
            },
            {
                "title": _("Index"),
                "separator": True,
                "items": [
                    _menu_item(_("Versions"), "database", "search.indexversion"),
                    _menu_item(_("Pending changes"), "schedule", "search.pendingchange"),
                ],
            },
            {
                "title": _("Users"),
                "separator": True,
                "items": [
                    _menu_item(_("Users"), "person", "auth.user"),
                    _menu_item(_("Groups"), "group", "auth.group"),
                    _menu_item(_("API tokens"), "key", "search.apitoken"),
                ],
            },
        ],
    },
}  # fmt: skip
