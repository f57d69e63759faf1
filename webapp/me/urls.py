from django.urls import path

from webapp.me import views

app_name = "me"
urlpatterns = [
    path("", views.me, name="me"),
    path("appeal/", views.appeal, name="appeal"),
]
