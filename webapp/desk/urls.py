from django.urls import path

from webapp.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.desk, name="desk"),
    path("rulings/<uuid:pk>/crop.jpg", views.ruling_crop, name="crop"),
]
