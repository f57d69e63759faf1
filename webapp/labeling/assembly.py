"""Puts the settled objects of a scene back together, and closes datasets."""

from datetime import datetime
from typing import Any

from django.db.models import Max

from engine.assemble import assemble
from engine.types import ResolvedObject, to_json
from webapp.labeling import refining_gold
from webapp.labeling.duplicates import ask_about_duplicates
from webapp.labeling.models import Annotation, Microtask, Refinement, SceneObject, Tile
from webapp.labeling.searching import search_where_hopes_were_too_high
from webapp.scenes.models import Dataset, Scene


def assemble_scene(scene: Scene) -> Annotation:
    """Combine what was settled into the scene's next annotation. Every object carries its provenance and risk."""
    rows = SceneObject.objects.filter(scene=scene, state__in=SceneObject.SETTLED).order_by("pk")
    assembled = assemble(str(scene.pk), [_resolved(row) for row in rows], (scene.width, scene.height))
    missed = Tile.objects.filter(scene=scene).values_list("expected_missed", flat=True)
    number = (scene.annotations.aggregate(last=Max("number"))["last"] or 0) + 1
    refined, about = refinements_of(scene)
    return Annotation.objects.create(
        scene=scene,
        number=number,
        content=[_entry(to_json(item), refined) for item in assembled.objects],
        expected_missed=sum(m or 0.0 for m in missed),
        about=about,
    )


def refinements_of(scene: Scene) -> tuple[dict[int, dict[str, Any]], dict[str, Any]]:
    """What is known beyond boxes: by object and aspect, and by aspect of the whole scene."""
    by_object: dict[int, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    rows = Refinement.objects.filter(scene=scene, state=Refinement.State.SETTLED)
    for row in rows.order_by("pk"):
        if row.value is None or row.aspect.startswith("same:"):
            continue
        known = about if row.object_id is None else by_object.setdefault(row.object_id, {})
        said = [s for s in row.case["said"] if not s["value"].get("deleted")]
        known[row.aspect] = {
            **row.value,
            "kind": row.kind,
            "risk": row.risk,
            "settled_by": row.settled_by,
            "annotators": len({s["annotator"] for s in said}),
            "drawings": sum(1 for s in said if "verdict" not in s["value"]),
        }
    return by_object, about


def _resolved(row: SceneObject) -> ResolvedObject:
    looks = [{"kind": e["kind"], "verdict": e["verdict"], "version": e["version"]} for e in row.evidence]
    people = sorted({e["annotator"] for e in row.evidence})
    return ResolvedObject(
        object_id=row.pk,
        class_id=row.label,
        geometry={"type": "box", "xyxy": list(row.box)},
        status=row.state,  # type: ignore[arg-type]
        source="model" if row.source == SceneObject.Source.MODEL else "human",
        verified_by=tuple(str(p) for p in people),
        risk=row.risk if row.risk is not None else 1.0,
        model_version=row.model.sha256 if row.model_id and row.model else None,
        provenance={
            "settled_by": row.settled_by,
            "version": row.version,
            "looks": looks,
            "audited": row.audited,
        },
    )


def _entry(item: dict[str, Any], refined: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """One object of an annotation as it is stored and exported; `refined` holds what is known beyond boxes."""
    provenance = item["provenance"]
    id = item["object_ids"][0]
    return {
        "object": id,
        "label": item["class_id"],
        "box": item["geometry"]["xyxy"],
        "risk": item["risk"],
        "source": "person" if item["source"] == "human" else "model",
        "settled_by": provenance.get("settled_by", ""),
        "versions": provenance.get("version", 1),
        "annotators": len(provenance.get("verified_by", ())),
        "trainable": item["trainable"],
        "provenance": provenance,
        **({"refined": refined[id]} if id in refined else {}),
    }


def close_finished_datasets(*, now: datetime) -> list[Dataset]:
    """Assemble and close every open dataset in which nothing is left to ask; returns those closed."""
    closed = []
    for dataset in Dataset.objects.filter(state=Dataset.State.OPEN).select_for_update(of=("self",)):
        if not is_finished(dataset) or search_where_hopes_were_too_high(dataset, now=now):
            continue
        if ask_about_duplicates(dataset, now=now):
            continue
        refining_gold.withdraw(dataset)
        for scene in dataset.scenes.all():
            assemble_scene(scene)
        dataset.state, dataset.done_at = Dataset.State.DONE, now
        dataset.save(update_fields=["state", "done_at"])
        closed.append(dataset)
    return closed


def is_finished(dataset: Dataset) -> bool:
    """Whether every scene was opened, every tile is complete, every question resolved and every refinement settled."""
    tiles = Tile.objects.filter(scene__dataset=dataset)
    return (
        not dataset.scenes.filter(tiles__isnull=True).exists()
        and not tiles.exclude(state=Tile.State.COMPLETE).exists()
        and not SceneObject.objects.filter(scene__dataset=dataset)
        .exclude(state__in=SceneObject.SETTLED)
        .exists()
        and not Microtask.objects.filter(dataset=dataset, state=Microtask.State.OPEN)
        .exclude(secret__has_key="gold")
        .exists()
        and not Refinement.objects.filter(scene__dataset=dataset, state=Refinement.State.OPEN).exists()
    )
