"""The addresses that supervisors and load balancers ask, with or without a slash at the end."""

from django.urls import re_path

from .health_views import live, ready

app_name = "health"
urlpatterns = [re_path(r"^live/?$", live, name="live"), re_path(r"^ready/?$", ready, name="ready")]
