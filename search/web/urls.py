"""The addresses that people see."""

from django.urls import path

from . import feedback, suggesting, views

app_name = "web"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("progress/", views.progress, name="progress"),
    path("suggest/", suggesting.suggest, name="suggest"),
    path("feedback/", feedback.feedback, name="feedback"),
    path("documents/<int:document_id>/", views.document_page, name="document"),
]
