"""Addresses of the feed's HTTP side."""

from django.urls import path, re_path

from webapp.feed.crops import crop
from webapp.feed.views import feed

urlpatterns = [
    path("feed/", feed, name="feed"),
    re_path(
        r"^crops/(?P<scene>\d+)/(?P<rect>\d+_\d+_\d+_\d+)/(?P<out>\d+)/(?P<expires>\d+)/(?P<signature>[0-9a-f]{32})\.webp$",
        crop,
    ),
]
