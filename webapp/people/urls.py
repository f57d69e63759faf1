from django.contrib.auth.views import LogoutView
from django.urls import path

from webapp.people.note_views import note_read, notes
from webapp.people.views import IssueToken, Login, join

urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("join/<str:token>/", join, name="join"),
    path("notes/", notes, name="notes"),
    path("notes/<int:pk>/read/", note_read, name="note-read"),
    path("api/v1/token", IssueToken.as_view(), name="token"),
]
