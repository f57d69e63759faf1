"""Who has read which guideline, and what they are asked when it has changed.

A guideline has changed for a class when its text, or the examples of that class, differ from what the person read last.
Where there is a new example, they say once whether it is right or wrong; else they acknowledge that they have read it.
"""

from dataclasses import dataclass

from webapp.people.models import User
from webapp.projects.examples import Example, differs, new_examples, read_examples
from webapp.projects.models import GuidelineRead, GuidelineVersion, Project

NO_CLASS = -1


class NotAsked(ValueError):
    """An answer to a question about the guideline that was not asked; the message says what is in force."""


@dataclass(frozen=True, slots=True)
class News:
    """What a person is to be told: nothing new, or a changed guideline with a new example to judge (or none)."""

    version: int
    changed: bool = False
    number: int | None = None
    example: Example | None = None


def news(project: Project, person: User, label: int | None) -> News:
    """Return what is new for a person at work on a class. Whoever meets a guideline for the first time has it all before
    them, so that version counts as seen."""
    current = project.guidelines.order_by("-version").first()
    if current is None:
        return News(0)
    read, first = GuidelineRead.objects.get_or_create(
        project=project, person=person, label=_label(label), defaults={"version": current.version}
    )
    if first or read.version == current.version:
        return News(current.version)
    before = project.guidelines.filter(version=read.version).first()
    return _news(before, current, person, label)


def acknowledge(project: Project, person: User, label: int | None, version: int, said: str | None) -> News:
    """Record that a version was read, and what the person said of its new example: "right", "wrong" or, where there is
    none, None. Returns what was asked. Raises NotAsked when another version is in force or nothing was asked."""
    found = news(project, person, label)
    if not found.changed or version != found.version:
        raise NotAsked(f"version {found.version} of the guideline is in force; reload the page")
    if (found.example is None) != (said is None) or said not in (None, "right", "wrong"):
        raise NotAsked("said: give right or wrong where an example is asked about, else nothing")
    correct = None if found.example is None else said == found.example.verdict
    GuidelineRead.objects.filter(project=project, person=person, label=_label(label)).update(
        version=version, example=found.number, correct=correct
    )
    return found


def _news(
    before: GuidelineVersion | None, current: GuidelineVersion, person: User, label: int | None
) -> News:
    old, new = read_examples(before.examples if before else []), read_examples(current.examples)
    if before is not None and before.text == current.text and not differs(old, new, label):
        return News(current.version)
    fresh = new_examples(old, new, label)
    if not fresh:
        return News(current.version, changed=True)
    number, example = fresh[person.pk % len(fresh)]  # not everybody the same one
    return News(current.version, True, number, example)


def _label(label: int | None) -> int:
    return NO_CLASS if label is None else label
