"""The addresses that people see."""

from django.urls import path

from . import views

app_name = "web"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("progress/", views.progress, name="progress"),
    path("documents/<int:document_id>/", views.document_page, name="document"),
]
