"""What an answer to a refinement changes: it is added to the refinement's case, and `routing.refinement` says what next.

The micro-task that was answered is locked, and with it the refinement: at most one is open at a time.
"""

from dataclasses import replace
from typing import Any

from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, after_look
from routing.refinement import (
    AskMore,
    Gone,
    Refer,
    RefinementCase,
    RefinementStep,
    Said,
    Settled,
    Wait,
    current,
    last_word,
    next_refinement_step,
)
from routing.refinement_credit import author_of, credit_refinement
from webapp.labeling import refining_effects, refining_gold, refining_pairs, refining_regions
from webapp.labeling.given import Feedback, Given
from webapp.labeling.lifecycle import ask_once_more, escalate, reopen
from webapp.labeling.models import Microtask, Refinement, SceneObject
from webapp.labeling.refining_open import STAKE, give_up, store, wish_for

State = Refinement.State
MAX_EVASIONS = 3  # skips and reports before a specialist sees it


def concerns(microtask: Microtask) -> bool:
    """Whether a micro-task is about a refinement."""
    return "refinement" in microtask.secret


def absorb_refinement(given: Given) -> Feedback:
    """Let one counted answer to a refinement take effect."""
    task, book = given.microtask, given.book
    if "gold" in task.secret:
        return refining_gold.score(given)
    refinement = Refinement.objects.get(pk=task.secret["refinement"])
    gone = task.object_id is not None and given.row.state in (
        SceneObject.State.REJECTED,
        SceneObject.State.UNDECIDABLE,
    )
    if refinement.state != State.OPEN or gone:
        book.resolve(task, "consensus", {"refinement": "no longer asked"})
        if refinement.state == State.OPEN:
            refinement.state, refinement.settled_at = State.CANCELLED, book.now
            store(refinement)
        return None
    case = case_of(refinement)
    case = replace(case, waiting=max(case.waiting - 1, 0))
    evaded = set(refinement.case["evaded"])
    if given.outcome == "answered":
        case = replace(case, said=(*case.said, _said(given, case)))
    else:
        evaded.add(given.annotator.pk)
        case = replace(case, unsure=case.unsure + (given.outcome == "unsure"))
    _store(refinement, case, evaded)
    step = next_refinement_step(case, given.policy)
    if given.outcome != "answered" and isinstance(step, AskMore | Wait):
        step = _after_evasion(given, case, evaded, step)
    _take(given, refinement, case, step)
    store(refinement)
    return None


def case_of(refinement: Refinement) -> RefinementCase:
    """The stored case as `routing` knows it."""
    stored = refinement.case
    said = tuple(Said.from_json(entry) for entry in stored["said"])
    return RefinementCase(refinement.kind, stored["ask"], said, stored["unsure"], stored["waiting"])


def _store(refinement: Refinement, case: RefinementCase, evaded: set[int]) -> None:
    refinement.case = {
        "ask": refinement.case["ask"],
        "said": [said.to_json() for said in case.said],
        "unsure": case.unsure,
        "waiting": case.waiting,
        "evaded": sorted(evaded),
    }


def _said(given: Given, case: RefinementCase) -> Said:
    kind = given.microtask.kind
    noise, right, rows = author_of(given.record, kind, given.domain)
    value = dict(given.value)
    if "verdict" in value:  # What was looked at is kept with the verdict: later drawings change the shape.
        value["shape"] = given.microtask.payload["shape"]
    if "on" in value:
        value["point"] = given.microtask.payload["point"]
    if "choice" in value:
        value |= {side: given.microtask.secret[side] for side in "ab"}
    return Said(
        given.annotator.pk, kind, value, noise, right, rows, rules=bool(given.microtask.secret.get("rules")),
        about=case.evidence, seconds=given.seconds or None,
    )  # fmt: skip


def _after_evasion(
    given: Given, case: RefinementCase, evaded: set[int], step: AskMore | Wait
) -> RefinementStep:
    """Somebody skipped or could not say: another person is asked, or a specialist when several evade."""
    if len(evaded) >= MAX_EVASIONS and not given.microtask.secret.get("rules"):
        return Refer(f"{len(evaded)} people could not say")
    if isinstance(step, AskMore) and step.kind != given.microtask.kind:
        return step
    payload = given.microtask.payload
    return AskMore(
        given.microtask.kind,
        "somebody could not say",
        1,
        payload.get("shape"),
        payload.get("point"),
        payload.get("open"),
        refining_pairs.authors(given.microtask),
    )


def _take(given: Given, refinement: Refinement, case: RefinementCase, step: RefinementStep) -> None:
    task, book, project = given.microtask, given.book, given.microtask.project
    people = {s.annotator for s in case.said} | set(refinement.case["evaded"])
    # Of the last specialists none answers with the crowd, so that some can still rule.
    kept = book.reserved(project, people) if _tier(task) == "crowd" else frozenset()
    if isinstance(step, AskMore) and book.nobody_left(project, _tier(task), people | kept):
        step = Refer("everybody of the crowd has answered")
    if isinstance(step, Refer):
        specialists = book.eligible(project, "specialist")
        if not specialists - people:
            step = last_word(case, given.policy) or Wait()
            if isinstance(step, Wait):
                book.resolve(task, "consensus", {"refinement": "nobody is left to ask"})
                give_up(refinement, book)
                return
    match step:
        case Wait():  # The others who were asked still answer the same question.
            task.excluded = sorted({*task.excluded, *people})
            book.touch(task)
        case AskMore():
            _ask(given, refinement, case, step, people)
        case Refer():
            book.resolve(task, "consensus", {"refinement": step.reason})
            _ask_specialist(given, refinement, case, step, people)
        case Settled():
            _settle(given, refinement, case, step)
        case Gone():
            book.resolve(task, "consensus", {"refinement": "nothing there"})
            refinement.state, refinement.settled_at = State.CANCELLED, book.now
            _doubt(given, step)


def _tier(task: Microtask) -> str:
    return "specialist" if task.secret.get("rules") else "crowd"


def _ask(given: Given, refinement: Refinement, case: RefinementCase, step: AskMore, people: set[int]) -> None:
    """Want more answers: to the open question where it stays the same, else to a new one."""
    task, book = given.microtask, given.book
    refinement.case["waiting"] += step.count
    value = _stake(case, given.policy)
    same = step.shape == task.payload.get("shape") and step.point == task.payload.get("point")
    same = same and step.pair == refining_pairs.authors(task)
    same = same and (step.segments is None or step.segments == task.payload.get("open"))
    if step.kind == task.kind and same:
        task.excluded = sorted({*task.excluded, *people})
        task.value = value
        book.touch(task)
        for _ in range(step.count):
            ask_once_more(book, task)
        return
    book.resolve(task, "consensus", {"refinement": step.reason})
    details = refining_regions.unsettled(case, given.policy, step.segments)
    if step.shape is not None:
        details = {name: case.ask[name] for name in ("calibration", "cloud") if name in case.ask}
        details["shape"] = step.shape
    if step.point is not None:
        details = {"point": step.point, "class": given.row.label}
    hidden: dict[str, Any] = {}
    if step.pair is not None:
        details, hidden = refining_pairs.shown(case, given.row, step.pair)
    wish_for(
        book, refinement, _row(given), step.kind, task.project, reason=step.reason, value=value, count=step.count,
        details=details, excluded=people, hidden=hidden,
    )  # fmt: skip


def _ask_specialist(
    given: Given, refinement: Refinement, case: RefinementCase, step: Refer, people: set[int]
) -> None:
    task, book = given.microtask, given.book
    refinement.case["waiting"] += 1
    book.log(
        "escalated", project=task.project, dataset_id=task.dataset_id, object_id=task.object_id,
        data={"reason": step.reason, "refinement": refinement.aspect},
    )  # fmt: skip
    wish_for(
        book, refinement, _row(given), refinement.kind, task.project, reason=step.reason, value=1.0, tier="specialist",
        excluded=people, details=refining_regions.unsettled(case, given.policy),
    )  # fmt: skip


def _row(given: Given) -> SceneObject | None:
    return given.row if given.microtask.object_id else None


def _stake(case: RefinementCase, policy: RoutingPolicy) -> float:
    return max(STAKE, 1 - current(case, policy).p_right) if case.drawn else STAKE


def _settle(given: Given, refinement: Refinement, case: RefinementCase, step: Settled) -> None:
    """Give a refinement its answer, let everyone who answered learn from it, and let it take effect."""
    task, book = given.microtask, given.book
    by = "specialist" if any(s.rules for s in case.said) else "consensus"
    book.resolve(task, by, {"refinement": refinement.aspect, "risk": step.risk})
    follow = refining_effects.followed(refinement, step.value, task.kind)
    specialists = book.eligible(task.project, "specialist")
    if follow and specialists:
        people = {s.annotator for s in case.said} | set(refinement.case["evaded"])
        refinement.case["waiting"] += 1
        wish_for(
            book, refinement, _row(given), follow, task.project, reason="none of the classes fits", value=1.0,
            tier="specialist", excluded=people if specialists - people else (),
        )  # fmt: skip
        return
    refinement.state, refinement.risk = State.SETTLED, float(step.risk)
    refinement.value = refining_regions.stored(case, step.value)
    refinement.settled_by, refinement.settled_at = by, book.now
    book.log(
        "refined", project=task.project, dataset_id=task.dataset_id, object_id=task.object_id,
        data={"aspect": refinement.aspect, "risk": float(step.risk), "by": by, "answers": len(case.said)},
    )  # fmt: skip
    cls = given.row.label if task.object_id else None
    for annotator, outcome in credit_refinement(
        case, step.value, step.risk, domain=given.domain, cls=cls, policy=given.policy
    ):
        book.learn(annotator, replace(outcome, gold=by == "specialist"))
    refining_gold.plant(given, refinement, case, step.value)
    refining_effects.apply(given, refinement, step.value)


def _doubt(given: Given, step: Gone) -> None:
    """Several people found nothing there: their words count as looks at the object, which is decided about again."""
    row, book = given.row, given.book
    case = ObjectCase.from_json(row.case)
    book.load_records(step.annotators)
    for annotator in sorted(step.annotators):
        case = after_look(
            case, kind="verify_box", verdict="not_object", record=book.records[annotator], domain=given.domain,
            policy=given.policy,
        )  # fmt: skip
        look: dict[str, Any] = {
            "annotator": annotator, "kind": "verify_box", "verdict": "not_object", "version": row.version, "box": row.box,
            "seconds": None,
        }  # fmt: skip
        row.evidence = [*row.evidence, look]
        row.touched = [*row.touched, annotator]
    row.case = case.to_json()
    book.touch(row)
    reopen(book, row, given.tile)
    if row.state == SceneObject.State.ACCEPTED:
        escalate(
            book, row, given.tile, tier="specialist", reason="people found nothing there when they refined it"
        )
