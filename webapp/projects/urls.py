from django.urls import path

from webapp.projects.views import guideline

urlpatterns = [path("projects/<int:pk>/guideline/", guideline, name="guideline")]
