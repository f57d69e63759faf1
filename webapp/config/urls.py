"""Every address of the site. Sockets are in websockets.py."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from webapp.config.pages import healthz, home

admin.site.site_header = admin.site.site_title = "Tessera"
admin.site.index_title = "Tables"

urlpatterns = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("", include("webapp.people.urls")),
    path("", include("webapp.feed.urls")),
    path("", include("webapp.pipeline.urls")),
    path("", include("webapp.projects.urls")),
    path("projects/", include("webapp.setup.urls")),
    path("me/", include("webapp.me.urls")),
    path("language/", set_language, name="language"),
    path("desk/", include("webapp.desk.urls")),
    path("ops/", include("webapp.ops.urls")),
    path("admin/", admin.site.urls),
]
