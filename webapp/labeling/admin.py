"""Read-only views of what the feed wrote: every row follows from an answer, so none is changed by hand."""

from django.contrib import admin

from webapp.labeling.models import (
    Annotation,
    AnnotatorRecord,
    Answer,
    Assignment,
    Event,
    Lane,
    Microtask,
    ObjectVersion,
    Refinement,
    Resolution,
    SceneObject,
    Tally,
    Tile,
)
from webapp.labeling.rollups import Workhour
from webapp.people.tenancy import TenantAdmin


class ReadOnlyAdmin(TenantAdmin):
    """Newest rows first; no total count, which would read the whole table."""

    read_only = True
    show_full_result_count = False
    ordering = ("-pk",)
    list_per_page = 50


@admin.register(Tile)
class TileAdmin(ReadOnlyAdmin):
    tenant_path = "scene__dataset__project__organisation"
    list_display = ("id", "scene", "state", "x", "y", "w", "h", "expected_missed")
    list_filter = ("state",)
    list_select_related = ("scene",)


@admin.register(SceneObject)
class SceneObjectAdmin(ReadOnlyAdmin):
    tenant_path = "scene__dataset__project__organisation"
    list_display = ("id", "scene", "state", "label", "source", "settled_by", "risk", "version")
    list_filter = ("state", "source", "settled_by")
    list_select_related = ("scene",)


@admin.register(ObjectVersion)
class ObjectVersionAdmin(ReadOnlyAdmin):
    tenant_path = "object__scene__dataset__project__organisation"
    list_display = ("id", "object_id", "number", "label", "author", "created_at")
    list_select_related = ("author",)


@admin.register(Refinement)
class RefinementAdmin(ReadOnlyAdmin):
    tenant_path = "scene__dataset__project__organisation"
    list_display = ("id", "scene", "object_id", "aspect", "state", "risk", "settled_by", "rounds")
    list_filter = ("state", "kind", "settled_by")
    list_select_related = ("scene",)


@admin.register(Microtask)
class MicrotaskAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("id", "kind", "state", "project", "dataset", "tier", "reason", "created_at")
    list_filter = ("kind", "state", "tier")
    list_select_related = ("project", "dataset")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("id", "microtask_id", "state", "annotator", "lane", "epoch", "lease_expires_at")
    list_filter = ("state",)
    list_select_related = ("annotator",)
    exclude = ("lease", "session")  # whoever knows a lease can answer with it


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    tenant_path = "microtask__project__organisation"
    list_display = ("id", "microtask_id", "annotator", "outcome", "active_s", "late", "created_at")
    list_filter = ("outcome", "late")
    list_select_related = ("annotator",)
    ordering = ("-created_at",)


@admin.register(Resolution)
class ResolutionAdmin(ReadOnlyAdmin):
    tenant_path = "microtask__project__organisation"
    list_display = ("id", "microtask_id", "by", "created_at")
    list_filter = ("by",)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("id", "at", "kind", "project", "annotator", "microtask_id", "object_id")
    list_filter = ("kind",)
    list_select_related = ("project", "annotator")


@admin.register(AnnotatorRecord)
class AnnotatorRecordAdmin(ReadOnlyAdmin):
    tenant_path = "annotator__organisation"
    list_display = ("annotator", "standing", "standing_reason", "updated_at")
    list_filter = ("standing",)
    list_select_related = ("annotator",)


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    tenant_path = "scene__dataset__project__organisation"
    list_display = ("id", "scene", "number", "expected_missed", "created_at")
    list_select_related = ("scene",)


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("key", "project")
    list_select_related = ("project",)


@admin.register(Workhour)
class WorkhourAdmin(ReadOnlyAdmin):
    tenant_path = "project__organisation"
    list_display = ("annotator", "project", "hour", "answers", "active_s", "connected_s")
    list_select_related = ("annotator", "project")


@admin.register(Tally)
class TallyAdmin(ReadOnlyAdmin):
    tenant_path = "dataset__project__organisation"
    list_display = ("dataset", "kind", "annotator", "minute", "answers", "active_s")
    list_filter = ("kind",)
    list_select_related = ("dataset", "annotator")
