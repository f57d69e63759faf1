"""The numbers of the demo's report, measured against the reference outlines that came with the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Sum

from routing.annotation.boxes import match
from routing.policy import RoutingPolicy
from webapp.labeling.models import Answer, Event, SceneObject
from webapp.scenes.models import Dataset, Scene

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Matched:
    """One scene's annotation held against its reference. Boxes are (N, 4) xyxy in scene pixels."""

    scene: Scene
    ours: np.ndarray
    reference: np.ndarray
    pairs: list[tuple[int, int, float]]

    @property
    def false(self) -> list[int]:
        """Objects of ours that match no reference."""
        return sorted(set(range(len(self.ours))) - {i for i, _, _ in self.pairs})

    @property
    def missed(self) -> list[int]:
        return sorted(set(range(len(self.reference))) - {j for _, j, _ in self.pairs})


def boxes(rows: Any) -> np.ndarray:
    return np.array(list(rows), float).reshape(-1, 4)


def matched(scene: Scene, reference: np.ndarray) -> Matched:
    """Match the scene's latest annotation to the reference at IoU 0.5, one to one."""
    latest = scene.annotations.order_by("-number").first()
    ours = boxes(entry["box"] for entry in latest.content) if latest else boxes([])
    return Matched(scene, ours, reference, match(ours, reference, min_iou=MATCH_IOU))


def batch(dataset: Dataset, results: list[Matched]) -> dict[str, Any]:
    """Quality, effort and cost of one batch."""
    hits = sum(len(m.pairs) for m in results)
    ours = sum(len(m.ours) for m in results)
    truth = sum(len(m.reference) for m in results)
    answers = Answer.objects.filter(microtask__dataset=dataset)
    totals = answers.aggregate(n=Count("pk"), seconds=Sum("active_s"))
    seconds = totals["seconds"] or 0.0
    accepted = SceneObject.objects.filter(scene__dataset=dataset, state=SceneObject.State.ACCEPTED)
    n_objects = SceneObject.objects.filter(scene__dataset=dataset).count()
    escalated = Event.objects.filter(dataset=dataset, kind="escalated").values("object").distinct().count()
    return {
        "precision": hits / ours if ours else 0.0,
        "recall": hits / truth if truth else 0.0,
        "mean_iou": float(np.mean([iou for m in results for _, _, iou in m.pairs])) if hits else 0.0,
        "objects": ours,
        "reference_objects": truth,
        "answers": totals["n"],
        "human_seconds": seconds,
        "human_seconds_per_object": seconds / ours if ours else 0.0,
        "auto_accepted": accepted.filter(settled_by="machine").count() / max(1, accepted.count()),
        "escalated": escalated / max(1, n_objects),
        "cost": cost(answers),
        "by_kind": by_kind(answers),
        "stated_missed": sum(
            m.scene.annotations.order_by("-number")[0].expected_missed
            for m in results
            if m.scene.annotations.exists()
        ),
        "stated_risk": stated_risk(results),
    }


def stated_risk(results: list[Matched]) -> float:
    """The mean stated P(wrong) of the objects in the annotations."""
    risks = [
        e["risk"]
        for m in results
        for a in [m.scene.annotations.order_by("-number").first()]
        if a
        for e in a.content
    ]
    return float(np.mean(risks)) if risks else 0.0


def cost(answers: Any) -> float:
    """Pay for the active seconds, at the policy's wage for each person's tier."""
    wage = RoutingPolicy().wage_per_hour
    tiers = answers.values("annotator__tier").annotate(seconds=Sum("active_s"))
    return float(sum(wage[row["annotator__tier"]] * (row["seconds"] or 0.0) / 3600 for row in tiers))


def by_kind(answers: Any) -> dict[str, dict[str, float]]:
    rows = (
        answers.values("microtask__kind")
        .annotate(n=Count("pk"), seconds=Sum("active_s"))
        .order_by("-seconds")
    )
    return {row["microtask__kind"]: {"answers": row["n"], "seconds": row["seconds"] or 0.0} for row in rows}
