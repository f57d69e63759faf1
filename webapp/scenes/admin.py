from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from webapp.people.tenancy import TenantAdmin
from webapp.scenes.models import Dataset, Scene


@admin.register(Dataset)
class DatasetAdmin(TenantAdmin):
    tenant_path = "project__organisation"
    list_display = ("name", "project", "state", "created_at", "done_at")
    list_filter = ("state",)
    list_select_related = ("project",)
    search_fields = ("name", "project__name")


@admin.register(Scene)
class SceneAdmin(TenantAdmin):
    """Scenes come from imports only: a row without its file would be a lie."""

    tenant_path = "dataset__project__organisation"
    read_only = True
    list_display = ("name", "dataset", "width", "height", "created_at")
    list_select_related = ("dataset",)
    search_fields = ("name", "sha256")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("-pk")
