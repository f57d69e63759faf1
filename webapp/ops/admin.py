from django.contrib import admin

from webapp.ops.models import Alert, DatasetStatus, Reopening
from webapp.people.tenancy import TenantAdmin


@admin.register(Alert)
class AlertAdmin(TenantAdmin):
    read_only = True
    list_display = ("kind", "title", "value", "opened_at", "closed_at", "acknowledged_by")
    list_filter = ("kind",)
    list_select_related = ("acknowledged_by",)


@admin.register(DatasetStatus)
class DatasetStatusAdmin(TenantAdmin):
    tenant_path = "dataset__project__organisation"
    read_only = True
    list_display = ("dataset", "at", "took_s")
    list_select_related = ("dataset",)


@admin.register(Reopening)
class ReopeningAdmin(TenantAdmin):
    tenant_path = "dataset__project__organisation"
    read_only = True
    list_display = ("dataset", "state", "objects_meant", "asked_by", "asked_at", "decided_by")
    list_filter = ("state",)
    list_select_related = ("dataset", "asked_by", "decided_by")
