"""Every address of the installation: the search page, the admin, the REST API and health."""

from django.contrib import admin
from django.urls import include, path

from search.api.metrics_views import metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("search.api.urls")),
    path("metrics", metrics, name="metrics"),
    path("health/", include("search.api.health_urls")),
    path("", include("search.web.urls")),
]

handler400 = "semsearch_project.error_views.bad_request"
handler500 = "semsearch_project.error_views.server_error"
