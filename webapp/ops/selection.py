"""Which settled objects of a data set a manager means, and how many those are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from webapp.labeling.models import SceneObject
from webapp.ops.status import statuses
from webapp.people.models import User
from webapp.people.wording import said_title
from webapp.pipeline.models import ModelVersion
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset

LOOKED_AT = 5_000  # settled objects that are held against a query; of a larger data set, the rest is inferred
SETTLERS = ("machine", "consensus", "specialist")
TOUCHED = "EXISTS (SELECT 1 FROM json_each(labeling_sceneobject.touched) WHERE value = %s)"


@dataclass(frozen=True, slots=True)
class Query:
    """Which settled objects are meant; None and "" do not narrow.

    by: who settled them. person: who drew or looked at them. model: whose proposal they are. since, until: the days
    (UTC, both included) on which they were settled. guideline: the version that was in force then.
    """

    states: tuple[str, ...] = (SceneObject.State.ACCEPTED,)
    label: int | None = None
    by: str = ""
    least_risk: float = 0.0
    person: int | None = None
    model: int | None = None
    since: date | None = None
    until: date | None = None
    guideline: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the query as plain JSON values."""
        days = {name: day.isoformat() for name in ("since", "until") if (day := getattr(self, name))}
        return {**asdict(self), "since": None, "until": None, **days, "states": [str(s) for s in self.states]}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Query":
        """Read what `to_json` wrote."""
        days = {name: date.fromisoformat(obj[name]) for name in ("since", "until") if obj[name]}
        return cls(**{**obj, **days, "states": tuple(obj["states"])})


@dataclass(frozen=True, slots=True)
class Count:
    """How many objects are meant. `about`: inferred from the `LOOKED_AT` first ones."""

    objects: int
    about: bool = False


def matching(dataset: Dataset, query: Query) -> QuerySet[SceneObject]:
    """The objects of a data set that a query means."""
    states = [s for s in query.states if s in SceneObject.SETTLED]
    found = SceneObject.objects.filter(scene__dataset=dataset, state__in=states)
    if query.least_risk:
        found = found.filter(risk__gte=query.least_risk)
    if query.label is not None:
        found = found.filter(label=query.label)
    if query.by:
        found = found.filter(settled_by=query.by)
    if query.model is not None:
        found = found.filter(model=query.model)
    if query.person is not None:
        found = _touched_by(found, query.person)
    begin, end = _span(dataset, query)
    if begin:
        found = found.filter(settled_at__gte=begin)
    return found.filter(settled_at__lt=end) if end else found


def _touched_by(found: QuerySet[SceneObject], person: int) -> QuerySet[SceneObject]:
    if connection.vendor == "postgresql":
        return found.filter(touched__contains=[person])
    return found.filter(RawSQL(TOUCHED, [person], output_field=BooleanField()))


def _span(dataset: Dataset, query: Query) -> tuple[datetime | None, datetime | None]:
    """From when, and until before when, the objects were settled."""
    begins = [datetime.combine(query.since, time(), UTC)] if query.since else []
    ends = [datetime.combine(query.until + timedelta(days=1), time(), UTC)] if query.until else []
    if query.guideline is not None:
        versions = dataset.project.guidelines.filter(version__in=[query.guideline, query.guideline + 1])
        made = dict(versions.values_list("version", "created_at"))
        begins += [made[query.guideline]] if query.guideline in made else []
        ends += [made[query.guideline + 1]] if query.guideline + 1 in made else []
    return max(begins, default=None), min(ends, default=None)


def count(dataset: Dataset, query: Query) -> Count:
    """Return how many objects a query means, at a cost that does not grow with the data set."""
    states = [s for s in query.states if s in SceneObject.SETTLED]
    settled = SceneObject.objects.filter(scene__dataset=dataset, state__in=states).values("pk")[:LOOKED_AT]
    hits = matching(dataset, query).filter(pk__in=settled).count()
    looked = settled.count()
    if looked < LOOKED_AT:
        return Count(hits)
    counts = statuses([dataset])[dataset.pk].objects
    known = sum(getattr(counts, str(state)) for state in states)
    return Count(round(hits / looked * max(known, looked)), about=True)


def read_query(given: Any) -> Query:
    """Read the query of a form or an address (a QueryDict); what makes no sense is left out."""
    states = tuple(s for s in given.getlist("state") if s in SceneObject.SETTLED)
    return Query(
        states=states or (str(SceneObject.State.ACCEPTED),),
        label=_whole(given.get("class", "")),
        by=given.get("by", "") if given.get("by") in SETTLERS else "",
        least_risk=_risk(given.get("risk", "")),
        person=_whole(given.get("person", "")),
        model=_whole(given.get("model", "")),
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        guideline=_whole(given.get("guideline", "")),
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _risk(text: str) -> float:
    try:
        risk = min(max(float(text or 0), 0.0), 100.0) / 100
    except ValueError:
        return 0.0
    return risk if risk == risk else 0.0


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 9999 else None


def in_words(dataset: Dataset, query: Query) -> list[tuple[str, str]]:
    """Return what a query narrows by as (name, value), for people; what is not of this organisation stays a number."""
    rows = [(_("Objects that are"), ", ".join(said_title(s) for s in query.states))]
    if query.label is not None:
        names = {c.id: c.name for c in current_schema(dataset.project).classes}
        rows.append((_("Class"), names.get(query.label, f"#{query.label}")))
    if query.by:
        rows.append((_("Settled by"), said_title(query.by)))
    if query.least_risk:
        rows.append((_("Least risk"), f"{100 * query.least_risk:g}\u202f%"))
    if query.person is not None:
        mine = User.objects.filter(organisation=dataset.project.organisation_id, pk=query.person).first()
        rows.append(
            (_("Seen or drawn by"), (mine.get_full_name() or mine.username) if mine else f"#{query.person}")
        )
    if query.model is not None:
        model = ModelVersion.objects.filter(runs__dataset=dataset, pk=query.model).first()
        rows.append((_("Proposed by model"), str(model or f"#{query.model}")))
    if query.since:
        rows.append((_("Settled since"), query.since.isoformat()))
    if query.until:
        rows.append((_("Settled until"), query.until.isoformat()))
    if query.guideline is not None:
        rows.append((_("Guideline in force"), _("Version {n}").format(n=query.guideline)))
    return rows
