from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest

from routing.annotation.schema import LabelSchema, SchemaError
from routing.policy import PolicyError, RoutingPolicy
from webapp.people.tenancy import TenantAdmin
from webapp.projects.models import GuidelineRead, GuidelineVersion, Project, SchemaVersion


class ProjectForm(ModelForm):
    def clean_policy(self) -> dict[str, Any]:
        policy: dict[str, Any] = self.cleaned_data["policy"]
        try:
            RoutingPolicy.from_json(policy)
        except PolicyError as error:
            raise ValidationError(str(error)) from error
        return policy


@admin.register(Project)
class ProjectAdmin(TenantAdmin):
    form = ProjectForm
    list_display = ("name", "organisation", "domain", "priority", "paused", "created_at")
    list_filter = ("paused", "domain")
    search_fields = ("name",)


class SchemaForm(ModelForm):
    def clean_classes(self) -> list[dict[str, Any]]:
        try:
            schema = LabelSchema.from_json({"version": 1, "classes": self.cleaned_data["classes"]})
        except SchemaError as error:
            raise ValidationError(str(error)) from error
        return [c.to_json() for c in schema.classes]


class VersionAdmin(TenantAdmin):
    """Versions are added, never changed: answers refer to them."""

    tenant_path = "project__organisation"
    list_display = ("project", "version", "created_by", "created_at")
    list_select_related = ("project", "created_by")
    search_fields = ("project__name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SchemaVersion)
class SchemaVersionAdmin(VersionAdmin):
    form = SchemaForm


@admin.register(GuidelineVersion)
class GuidelineVersionAdmin(VersionAdmin):
    pass


@admin.register(GuidelineRead)
class GuidelineReadAdmin(TenantAdmin):
    tenant_path = "project__organisation"
    list_display = ("project", "person", "label", "version", "correct", "read_at")
    list_select_related = ("project", "person")
    search_fields = ("person__username",)
