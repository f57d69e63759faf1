from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from webapp.people.models import Appeal, Note, Organisation, Qualification, User
from webapp.people.tenancy import TenantAdmin

OWN = (None, {"fields": ("username", "password")})
PERSON = ("Person", {"fields": ("first_name", "last_name", "email", "languages", "simulated")})
WORK = ("Work", {"fields": ("organisation", "role", "tier", "is_active")})
POWERS = (
    "Powers",
    {"fields": ("is_staff", "is_superuser", "groups", "user_permissions", "last_login", "date_joined")},
)


class QualificationInline(admin.TabularInline):
    model = Qualification
    fk_name = "person"
    extra = 1
    fields = ("domain",)

    # Whoever may open the person's page may grant: the page itself is guarded.
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(Organisation)
class OrganisationAdmin(TenantAdmin):
    tenant_path = "pk"
    list_display = ("name", "created_at")
    search_fields = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(User)
class PersonAdmin(TenantAdmin, UserAdmin):
    list_display = (
        "username",
        "first_name",
        "organisation",
        "role",
        "tier",
        "is_active",
        "simulated",
        "last_login",
    )
    list_filter = ("role", "tier", "is_active", "simulated")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    inlines = (QualificationInline,)
    fieldsets = (OWN, PERSON, WORK, POWERS)  # type: ignore[assignment]
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
        WORK,
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        # An administrator of one organisation must not hand out power over all of them.
        return shown if request.user.is_superuser else [entry for entry in shown if entry is not POWERS]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if isinstance(request.user, User) and not request.user.is_superuser:
            obj.organisation_id = request.user.organisation_id
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_operator(obj, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_operator(obj, request)


def _is_operator(obj: Any, request: HttpRequest) -> bool:
    """Whether this is the server's operator, seen by somebody who is not: no password of theirs may be changed."""
    return obj is not None and obj.is_superuser and not request.user.is_superuser


@admin.register(Qualification)
class QualificationAdmin(TenantAdmin):
    tenant_path = "person__organisation"
    list_display = ("person", "domain", "granted_by", "granted_at")
    list_filter = ("domain",)
    search_fields = ("person__username", "domain")
    autocomplete_fields = ("person",)
    list_select_related = ("person", "granted_by")


@admin.register(Note)
class NoteAdmin(TenantAdmin):
    """Written and withdrawn in the operations room; here they can only be read."""

    read_only = True
    list_display = ("domain", "by", "at", "until")
    list_filter = ("domain",)
    list_select_related = ("by",)


@admin.register(Appeal)
class AppealAdmin(TenantAdmin):
    """Decided in the operations room; here they can only be read."""

    tenant_path = "person__organisation"
    read_only = True
    list_display = ("person", "state", "created_at", "decided_by")
    list_filter = ("state",)
    list_select_related = ("person", "decided_by")
