"""The addresses that people see."""

from django.urls import path

from . import appearance, feedback, language, suggesting, views

app_name = "web"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("progress/", views.progress, name="progress"),
    path("suggest/", suggesting.suggest, name="suggest"),
    path("feedback/", feedback.feedback, name="feedback"),
    path("language/", language.choose_language, name="language"),
    path("theme/<slug:digest>.css", appearance.theme, name="theme"),
    path("logo/<slug:digest>.<slug:suffix>", appearance.logo, name="logo"),
    path("documents/<int:document_id>/", views.document_page, name="document"),
    path("documents/<int:document_id>/similar/", views.similar_documents, name="similar"),
]
