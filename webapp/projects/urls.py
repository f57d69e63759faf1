from django.urls import path

from webapp.projects.views import guideline, guideline_news

urlpatterns = [
    path("projects/<int:pk>/guideline/", guideline, name="guideline"),
    path("projects/<int:pk>/guideline/news/", guideline_news, name="guideline-news"),
]
