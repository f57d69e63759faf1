from django.contrib.auth.views import LogoutView
from django.urls import path

from webapp.people.views import IssueToken, Login, join

urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("join/<str:token>/", join, name="join"),
    path("api/v1/token", IssueToken.as_view(), name="token"),
]
