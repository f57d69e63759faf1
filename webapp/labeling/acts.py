"""What managers do, as kinds of events."""

# `webapp.ops.acts` says them and takes them back. `annotator` is who did it, but of
# `reinstated` who may work again.
ACTS = (
    "project_paused", "project_resumed", "dataset_paused", "dataset_resumed", "kind_paused", "kind_resumed",
    "person_paused", "person_resumed", "reinstated", "appeal_declined", "target_changed", "target_restored",
    "audit_changed", "audit_restored", "reopening_asked", "reopening_done", "reopening_declined",
    "reopening_withdrawn", "reopening_taken_back", "object_reopened", "skill_granted", "skill_revoked", "people_moved",
    "note_sent", "note_withdrawn", "dataset_started",
)  # fmt: skip
