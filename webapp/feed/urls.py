"""Addresses of the feed's HTTP side."""

from django.urls import path, re_path

from webapp.feed.crops import cloud, crop, deep_crop
from webapp.feed.rest import NextTask, ReleaseTask, SubmitAnswer
from webapp.feed.views import feed

urlpatterns = [
    path("feed/", feed, name="feed"),
    path("api/v1/feed/next", NextTask.as_view(), name="feed-next"),
    path("api/v1/feed/answer", SubmitAnswer.as_view(), name="feed-answer"),
    path("api/v1/feed/release", ReleaseTask.as_view(), name="feed-release"),
    re_path(
        r"^crops/(?P<scene>\d+)/(?P<rect>\d+_\d+_\d+_\d+)/(?P<out>\d+)/(?P<expires>\d+)/(?P<signature>[0-9a-f]{32})\.webp$",
        crop,
    ),
    re_path(
        r"^crops/(?P<scene>\d+)/(?P<rect>\d+_\d+_\d+_\d+)/(?P<out>\d+)/(?P<expires>\d+)/(?P<signature>[0-9a-f]{32})\.png$",
        deep_crop,
    ),
    re_path(r"^clouds/(?P<scene>\d+)/(?P<expires>\d+)/(?P<signature>[0-9a-f]{32})\.bin$", cloud),
]
