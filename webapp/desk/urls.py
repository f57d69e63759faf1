from django.urls import path

from webapp.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.desk, name="desk"),
    path("hours/", views.hours, name="hours"),
    path("rulings/<uuid:pk>/", views.ruling_page, name="ruling"),
    path("rulings/<uuid:pk>/crop.jpg", views.ruling_crop, name="crop"),
    path("rulings/<uuid:pk>/guideline/", views.change_guideline, name="change-guideline"),
    path("rulings/<uuid:pk>/coach/", views.coach, name="coach"),
    path("words/<int:pk>/crop.jpg", views.word_crop, name="word-crop"),
]
