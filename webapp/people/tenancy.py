"""The admin, kept inside one organisation for everybody but the operator of the server (superuser)."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from webapp.people.models import Role, User
from webapp.people.queries import tenant


class TenantAdmin(admin.ModelAdmin):
    """A table whose rows belong to organisations; `tenant_path` leads from a row to its organisation.

    An administrator with staff status sees and changes rows of the own organisation only.
    """

    tenant_path = "organisation"
    read_only = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        person = request.user
        if person.is_superuser:
            return rows
        return rows.filter(**{self.tenant_path: tenant(person)}) if isinstance(person, User) else rows.none()

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        if not request.user.is_superuser:
            kwargs["queryset"] = self._choices(request, db_field.remote_field.model)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _choices(self, request: HttpRequest, table: type[Model]) -> QuerySet[Any]:
        """The rows of another table that somebody who is no superuser may point at: those they could open."""
        other = self.admin_site.get_model_admin(table) if self.admin_site.is_registered(table) else None
        return (
            other.get_queryset(request) if isinstance(other, TenantAdmin) else table._default_manager.none()
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_administer(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_administer(request) and not self.read_only

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request) and not self.read_only

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request) and not self.read_only


def may_administer(request: HttpRequest) -> bool:
    """Whether this person may use the admin's tables of organisations."""
    person = request.user
    if not (isinstance(person, User) and person.is_active and person.is_staff):
        return False
    return person.is_superuser or (person.role == Role.ADMINISTRATOR and person.organisation_id is not None)
