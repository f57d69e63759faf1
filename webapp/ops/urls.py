from django.urls import path, re_path

from webapp.ops import views

app_name = "ops"
urlpatterns = [
    path("", views.room_page, name="room"),
    path("live/", views.live, name="live"),
    path("projects/<int:pk>/pause/", views.pause, name="pause"),
    path("datasets/<int:pk>/", views.dataset, name="dataset"),
    path("scenes/<int:pk>/", views.scene, name="scene"),
    re_path(r"^scenes/(?P<pk>\d+)/(?P<size>preview|thumb)\.jpg$", views.preview, name="preview"),
]
