"""Reads of the annotator's own page: roll-ups of one person."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord
from webapp.labeling.coaching import Word, words_for
from webapp.labeling.models import AnnotatorRecord, Tally
from webapp.me.quality import Area, Earned, Slip, areas, earned, slips
from webapp.people.models import Appeal, User

DAYS = 14
APPEALS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Day:
    """One day's answers; `height` is in percent of the best day shown."""

    date: datetime
    answers: int
    active_s: float
    height: float

    @property
    def top(self) -> float:
        """Where the column begins, in percent from above."""
        return 100.0 - self.height


@dataclass(frozen=True, slots=True)
class Gold:
    """Known answers of one kind: how many and the shrunk share that was right."""

    kind: str
    answers: int
    share: float


@dataclass(frozen=True, slots=True)
class Mine:
    """Everything on the page."""

    standing: str
    standing_reason: str
    today: Earned
    wage: float
    days: tuple[Day, ...]
    areas: tuple[Area, ...]
    gold: tuple[Gold, ...]
    slips: tuple[Slip, ...]
    domains: tuple[str, ...]
    appeal: Appeal | None
    appeals: tuple[Appeal, ...]
    words: tuple[Word, ...]


def mine(person: User, *, now: datetime) -> Mine:
    """Read a person's own page. Days begin at midnight UTC."""
    stored = AnnotatorRecord.objects.filter(annotator=person).first()
    record = (
        TrackRecord.from_json(stored.record) if stored and stored.record else TrackRecord.new(person.tier)
    )
    appeals = tuple(person.appeals.select_related("decided_by")[:APPEALS_SHOWN])
    return Mine(
        standing=("paused" if stored.held else stored.standing) if stored else "ok",
        standing_reason=(stored.held or stored.standing_reason) if stored else "",
        today=_today(person, now),
        wage=RoutingPolicy().wage_per_hour[person.tier],
        days=_days(person, now),
        areas=areas(record),
        gold=tuple(Gold(kind, round(g["answers"]), g["share"]) for kind, g in record.gold_summary().items()),
        slips=slips(record),
        domains=tuple(person.qualifications.order_by("domain").values_list("domain", flat=True)),
        appeal=next((a for a in appeals if a.state == Appeal.State.OPEN), None),
        appeals=tuple(a for a in appeals if a.state != Appeal.State.OPEN),
        words=tuple(words_for(person)),
    )


def _today(person: User, now: datetime) -> Earned:
    """At the wages of the projects that the answers belong to."""
    rows = Tally.objects.filter(annotator=person, minute__gte=_midnight(now))
    sums = rows.values_list("dataset__project", "dataset__project__policy").annotate(
        n=Sum("answers"), s=Sum("active_s")
    )
    by_wage: dict[float, tuple[int, float]] = {}
    for _project, policy, n, seconds in sums:
        wage = RoutingPolicy.from_json(policy).wage_per_hour[person.tier]
        before = by_wage.get(wage, (0, 0.0))
        by_wage[wage] = (before[0] + n, before[1] + seconds)
    return earned(by_wage)


def _days(person: User, now: datetime) -> tuple[Day, ...]:
    first = _midnight(now) - timedelta(days=DAYS - 1)
    rows = Tally.objects.filter(annotator=person, minute__gte=first)
    sums: dict[datetime, tuple[int, float]] = {}
    for minute, n, seconds in rows.values_list("minute").annotate(n=Sum("answers"), s=Sum("active_s")):
        before = sums.get(_midnight(minute), (0, 0.0))
        sums[_midnight(minute)] = (before[0] + n, before[1] + seconds)
    best = max((n for n, _ in sums.values()), default=0)
    dates = [first + timedelta(days=n) for n in range(DAYS)]
    return tuple(
        Day(date, *sums.get(date, (0, 0.0)), 100 * sums.get(date, (0, 0.0))[0] / best if best else 0.0)
        for date in dates
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
