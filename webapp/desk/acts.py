"""What a specialist may do beside a ruling: change the guideline, with what that puts in doubt, and coach."""

from dataclasses import dataclass

from django.db import transaction

from routing.policy import RoutingPolicy
from webapp.desk.queries import Ruling
from webapp.labeling.models import SceneObject
from webapp.people.models import User
from webapp.projects.examples import MAX_CAPTION, MOST, Example
from webapp.projects.models import Project
from webapp.projects.operations import new_guideline_version
from webapp.projects.queries import current_guideline

COUNTED = 10_000  # accepted objects that are looked at; beyond them "more than" is enough
MAX_RULE = 600  # characters
CHOICES = ("", "right", "wrong")


class ActRefused(ValueError):
    """The act cannot be done; `code` says why: empty, caption, stale or full."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stake:
    """Accepted objects of a class, whether there are more than were counted, and what asking one more person about each
    takes at least: active seconds, and their cost at the crowd's wage."""

    objects: int
    more: bool
    seconds: float
    cost: float


def at_stake(project: Project, label: int) -> Stake:
    """Return what a change of the guideline for a class puts in doubt."""
    accepted = SceneObject.objects.filter(scene__dataset__project=project, state=SceneObject.State.ACCEPTED)
    # The label is compared here: a rare class would have the database look at every object for it.
    labels = list(accepted.values_list("label", flat=True)[: COUNTED + 1])
    objects = labels[:COUNTED].count(label)
    policy = RoutingPolicy.from_json(project.policy)
    seconds = objects * float(policy.expected_s["verify_box"])
    return Stake(objects, len(labels) > COUNTED, seconds, seconds / 3600 * policy.wage_per_hour["crowd"])


def change_guideline(ruling: Ruling, *, rule: str, example: str, caption: str, version: int, by: User) -> int:
    """Add a rule, the case as an example, or both, as the next version of the guideline; return its number.

    version: the one that was read. Raises ActRefused when nothing is given, an example lacks its caption, the guideline has
    changed meanwhile, or it holds as many examples as are read.
    """
    if not rule and not example:
        raise ActRefused("empty")
    if example and not caption:
        raise ActRefused("caption")
    task = ruling.answer.microtask
    with transaction.atomic():
        # The row of the project is the lock: two specialists may write at once.
        project = Project.objects.select_for_update().get(pk=task.project_id)
        current = current_guideline(project)
        if version != (current.version if current else 0):
            raise ActRefused("stale")
        examples = list(current.examples) if current else []
        if example:
            view = ruling.view
            rect = (view.x, view.y, view.w, view.h)
            examples.insert(0, Example(example, caption[:MAX_CAPTION], task.scene_id, rect, ruling.label))
        if len(examples) > MOST:
            raise ActRefused("full")
        paragraphs = [*(current.paragraphs if current else ()), *([rule[:MAX_RULE]] if rule else [])]
        text = "\n\n".join(paragraphs)
        if not text:
            raise ActRefused("empty")
        return new_guideline_version(project=project, text=text, examples=examples, created_by=by).version
