"""Puts the settled objects of a scene back together, and closes datasets."""

from datetime import datetime
from typing import Any

from django.db.models import Max

from engine.assemble import assemble
from engine.types import ResolvedObject, to_json
from webapp.labeling.models import Annotation, Microtask, SceneObject, Tile
from webapp.scenes.models import Dataset, Scene


def assemble_scene(scene: Scene) -> Annotation:
    """Combine what was settled into the scene's next annotation. Every object carries its provenance and risk."""
    rows = SceneObject.objects.filter(scene=scene, state__in=SceneObject.SETTLED).order_by("pk")
    assembled = assemble(str(scene.pk), [_resolved(row) for row in rows], (scene.width, scene.height))
    missed = Tile.objects.filter(scene=scene).values_list("expected_missed", flat=True)
    number = (scene.annotations.aggregate(last=Max("number"))["last"] or 0) + 1
    return Annotation.objects.create(
        scene=scene,
        number=number,
        content=[_entry(to_json(item)) for item in assembled.objects],
        expected_missed=sum(m or 0.0 for m in missed),
    )


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


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    """One object of an annotation as it is stored and exported."""
    provenance = item["provenance"]
    return {
        "object": item["object_ids"][0],
        "label": item["class_id"],
        "box": item["geometry"]["xyxy"],
        "risk": item["risk"],
        "source": "person" if item["source"] == "human" else "model",
        "settled_by": provenance.get("settled_by", ""),
        "versions": provenance.get("version", 1),
        "annotators": len(provenance.get("verified_by", ())),
        "trainable": item["trainable"],
        "provenance": provenance,
    }


def close_finished_datasets(*, now: datetime) -> list[Dataset]:
    """Assemble and close every open dataset in which nothing is left to ask; returns those closed."""
    closed = []
    for dataset in Dataset.objects.filter(state=Dataset.State.OPEN).select_for_update(of=("self",)):
        if not is_finished(dataset):
            continue
        for scene in dataset.scenes.all():
            assemble_scene(scene)
        dataset.state, dataset.done_at = Dataset.State.DONE, now
        dataset.save(update_fields=["state", "done_at"])
        closed.append(dataset)
    return closed


def is_finished(dataset: Dataset) -> bool:
    """Whether every scene was opened, every tile is complete and every question resolved."""
    tiles = Tile.objects.filter(scene__dataset=dataset)
    return (
        not dataset.scenes.filter(tiles__isnull=True).exists()
        and not tiles.exclude(state=Tile.State.COMPLETE).exists()
        and not SceneObject.objects.filter(scene__dataset=dataset)
        .exclude(state__in=SceneObject.SETTLED)
        .exists()
        and not Microtask.objects.filter(dataset=dataset, state=Microtask.State.OPEN).exists()
    )
