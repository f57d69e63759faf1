from django.contrib import admin

from webapp.people.tenancy import TenantAdmin
from webapp.pipeline.models import ModelVersion, PrelabelledScene, Run


class ReadOnlyAdmin(TenantAdmin):
    """Written by the engine only."""

    read_only = True
    show_full_result_count = False
    ordering = ("-pk",)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("name", "sha256", "project", "promoted_at", "created_at")
    list_select_related = ("project",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("id", "kind", "state", "project", "dataset", "claimed_by", "created_at", "finished_at")
    list_filter = ("kind", "state")
    list_select_related = ("project", "dataset")


@admin.register(PrelabelledScene)
class PrelabelledSceneAdmin(ReadOnlyAdmin):
    tenant_path = "run__project__organisation"
    list_display = ("run", "scene", "predictions")
    list_select_related = ("run", "scene")
