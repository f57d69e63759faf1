"""What another share of audits would cost, and how sure it would make one of what a machine accepts."""

from dataclasses import dataclass
from math import ceil, log

from routing.certify import clopper_pearson_upper
from routing.policy import RoutingPolicy
from webapp.labeling.models import Event
from webapp.ops.status import statuses
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

AMONG = 1_000  # auto-accepted objects that the forecast is about
EVENTS = 10_000  # of the log that are searched for audits
NEWEST = 10  # data sets
SURE = 0.05  # 1 - the confidence of the bounds


@dataclass(frozen=True, slots=True)
class Audits:
    """One share: audits among the next thousand auto-accepted objects, the human seconds and cost, and the 95 % upper bound
    of the share of wrong ones if errors are found as often as so far."""

    share: float
    audits: int
    seconds: float
    cost: float
    upper: float


@dataclass(frozen=True, slots=True)
class AuditForecast:
    """The present share and another, side by side. so_far, wrong: audits that there were; accepted: objects a machine
    accepted in the newest data sets; clean: audits without an error that prove `target`."""

    now: Audits
    then: Audits
    so_far: int
    wrong: int
    accepted: int
    target: float
    clean: int


def audit_forecast(project: Project, *, share: float) -> AuditForecast:
    """Return what auditing another share of the auto-accepted objects leads to."""
    policy = RoutingPolicy.from_json(project.policy)
    so_far, wrong = _audits_so_far(project)
    datasets = Dataset.objects.filter(project=project).order_by("-pk")[:NEWEST]
    return AuditForecast(
        now=outlook(policy, policy.audit_share, so_far, wrong),
        then=outlook(policy, share, so_far, wrong),
        so_far=so_far,
        wrong=wrong,
        accepted=sum(status.objects.by_machine for status in statuses(datasets).values()),
        target=policy.auto_target,
        clean=clean_audits(policy.auto_target),
    )


def outlook(policy: RoutingPolicy, share: float, so_far: int, wrong: int) -> Audits:
    """What a share leads to, given the audits so far and how many of them found an error."""
    audits = round(AMONG * share)
    seconds = audits * policy.expected_s["verify_box"]
    expected = wrong + (audits * wrong / so_far if so_far else 0.0)
    upper = clopper_pearson_upper(round(expected), so_far + audits, SURE)
    return Audits(share, audits, seconds, seconds / 3600 * policy.wage_per_hour["crowd"], upper)


def clean_audits(target: float) -> int:
    """Audits without an error after which the share of wrong objects is below `target`, with 95 % confidence."""
    return ceil(log(SURE) / log(1 - target))


def _audits_so_far(project: Project) -> tuple[int, int]:
    """How many audits the newest of the log tell of, and how many found an error."""
    last = Event.objects.filter(kind="audited").order_by("-pk")[:EVENTS]
    verdicts = Event.objects.filter(pk__in=last.values("pk"), project=project).values_list(
        "data__verdict", flat=True
    )
    found = list(verdicts)
    return len(found), sum(verdict != "ok" for verdict in found)
