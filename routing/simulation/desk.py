"""The books of a simulated job: objects, tiles and open questions, and what every answer changes in them.

Every decision is the product's: `next_step`, `next_look`, `plan_pages`, `merge_points`, `match_new_box`, `after_*` and
`credit_*`. Here is only what the product keeps in its database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.coverage import Complete, Look, TileCase, next_look
from routing.eligibility import Candidate
from routing.gold import make_seed_boxes, seeds_needed
from routing.outcomes import Outcome
from routing.pages import Page, PageItem, plan_pages
from routing.policy import RoutingPolicy
from routing.redundancy import (
    Accept,
    Ask,
    Escalate,
    ObjectCase,
    Reject,
    audit_due,
    expected_loss,
    next_step,
)
from routing.simulation import views
from routing.simulation.world import CLASSES, TILE_PX, World
from routing.workflow import (
    Event,
    TileLook,
    credit_object,
    credit_tile,
    model_case,
)

SEARCH_VALUE_S = 20.0  # loss at stake in an open search
OPEN, WAITS, ACCEPTED, REJECTED, UNDECIDABLE = "open", "waits", "accepted", "rejected", "undecidable"

Credit = tuple[int, Outcome]


@dataclass
class Thing:
    """One object: its current version, what is believed of it, and its history."""

    scene: int
    tile: int
    box: tuple[float, ...]
    cls: int
    case: ObjectCase
    state: str = OPEN
    by: str = ""
    risk: float = 1.0
    touched: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    older: tuple[tuple[float, ...], int] | None = None  # the version before the current one


@dataclass
class Tile:
    """One tile's core, the searches so far, and whether one is under way."""

    scene: int
    core: tuple[float, float, float, float]
    looks: list[Look] = field(default_factory=list)
    history: list[TileLook] = field(default_factory=list)
    busy: int = 0  # questions under way that may still add objects
    complete: bool = False


@dataclass(frozen=True)
class Question:
    """One open assignment: what the routing matches on, and what the annotator sees. gold: the answer, when known."""

    candidate: Candidate
    scene: int
    payload: dict[str, Any]
    things: tuple[int, ...] = ()
    tile: int = -1
    seeds: Mapping[int, str] = field(default_factory=dict)
    newer: str = ""  # of a comparison: the side of the newer version
    gold: dict[str, Any] | None = None
    value: dict[str, Any] | None = None  # the answer given; None: unsure or skipped
    seconds: float = 0.0  # active time of the answer


class Desk:
    """All that is open and all that is settled. `without`: parts of the product that are left out."""

    def __init__(
        self,
        world: World,
        policy: RoutingPolicy,
        rng: np.random.Generator,
        *,
        without: frozenset[str] = frozenset(),
        fixed_overlap: int = 0,
    ) -> None:
        self.world, self.policy, self.rng = world, policy, rng
        self.without, self.fixed_overlap = without, fixed_overlap
        self.things: list[Thing] = []
        self.tiles: list[Tile] = []
        self.open: dict[int, Question] = {}
        self.credits: list[Credit] = []
        self.counts: dict[str, int] = dict.fromkeys(("auto", "audited", "audit_wrong", "escalated"), 0)
        self._opened_at: dict[int, float] = {}
        self._made = 0
        self.now = 0.0

    def domain(self, scene: int) -> str:
        """Return the domain whose skill judges this scene; one for all when domains are left out."""
        return "" if "domain" in self.without else self.world.scenes[scene].domain

    # Opening ------------------------------------------------------------------------------------------------

    def take_in(self, slope: float, threshold: float | None) -> None:
        """Cut the scenes into tiles and take the proposals in, their log-odds times `slope`; scores from `threshold`
        on may be accepted unseen, except those that are drawn for the audit."""
        for n, scene in enumerate(self.world.scenes):
            width, height = scene.truth.width, scene.truth.height
            first = len(self.tiles)
            for y in np.arange(0, height, TILE_PX):
                for x in np.arange(0, width, TILE_PX):
                    core = (float(x), float(y), min(TILE_PX, width - x), min(TILE_PX, height - y))
                    self.tiles.append(Tile(n, core))
            for proposal in scene.proposals:
                good = views.scaled_odds(proposal.p_good, slope)
                exists = views.scaled_odds(proposal.p_exists, slope)
                auto = threshold is not None and proposal.p_good >= threshold
                case = model_case(proposal.xyxy, proposal.cls, good, exists, auto=auto)
                tile = views.tile_of(proposal.xyxy, [t.core for t in self.tiles[first:]]) + first
                self.things.append(Thing(n, tile, proposal.xyxy, proposal.cls, case))
                self.consider(len(self.things) - 1)
        for index in range(len(self.tiles)):
            self.review(index)

    def ask(self, kind: str, scene: int, payload: dict[str, Any], **more: Any) -> None:
        """Open one question."""
        excluded = more.pop("excluded", frozenset())
        things: tuple[int, ...] = more.get("things", ())
        value = more.pop("value", None)
        if value is None:
            value = sum(expected_loss(self.things[i].case, self.policy) for i in things)
        cells = len(payload.get("cells", ())) or 1
        belief = self.things[things[0]].case.belief if len(things) == 1 else None
        self._made += 1
        candidate = Candidate(
            assignment=self._made,
            microtask=self._made,
            project=1,
            kind=kind,
            lane=f"{kind}/{scene}",
            domain=self.domain(scene),
            cls=payload.get("class"),
            tier=more.pop("tier", "crowd"),
            excluded=frozenset(excluded),
            value=float(value),
            belief=belief,
            expected_s=self.policy.expected_s[kind] * cells,
        )
        common = views.common(kind, self.world.scenes[scene].truth, self.policy, CLASSES)
        self._opened_at[self._made] = self.now
        self.open[self._made] = Question(candidate, scene, {**common, **payload}, **more)

    def reopen(self, question: Question) -> None:
        """Put back what was offered and not asked after all."""
        self.open[question.candidate.assignment] = question

    def age(self, assignment: int) -> float:
        """Return for how many simulated seconds a question has been open."""
        return self.now - self._opened_at[assignment]

    # Objects ------------------------------------------------------------------------------------------------

    def consider(self, index: int, audit: bool = True) -> None:
        """Take the next step about an object."""
        thing = self.things[index]
        step = self._fixed_step(thing) if self.fixed_overlap else next_step(
            thing.case, self.policy, domain=self.domain(thing.scene)
        )  # fmt: skip
        match step:
            case Accept(auto=True) if audit and self._audited():
                self.counts["audited"] += 1
                thing.by = "audit"
                self._about(index, "verify_box", "crowd")
            case Accept():
                self.settle(index, ACCEPTED, step.risk, "machine" if step.auto else "consensus")
            case Reject():
                self.settle(index, REJECTED, step.risk, "consensus")
            case Ask(kind="grid_verify"):
                thing.state = WAITS
            case Ask():
                self._about(index, step.kind, step.tier)
            case Escalate():
                self.counts["escalated"] += 1
                self._about(index, "adjudicate", step.tier)

    def _audited(self) -> bool:
        return "audit" not in self.without and audit_due(self.rng, self.policy)

    def _fixed_step(self, thing: Thing) -> Accept | Reject | Ask | Escalate:
        """The usual rule: always so many looks, then the majority; one repair, then whatever is left is rejected."""
        looks = [e for e in thing.events if e.what == "look" and e.xyxy == thing.box]
        if len(looks) < self.fixed_overlap:
            return Ask("verify_box", "crowd", "fixed overlap", {})
        ok = sum(e.verdict == "ok" for e in looks)
        if 2 * ok > len(looks):
            return Accept(1 - ok / len(looks))
        gone = sum(e.verdict in ("not_object", "duplicate") for e in looks)
        if 2 * gone > len(looks) or thing.case.fixes:
            return Reject(1 - gone / len(looks))
        return Ask("fix_box", "crowd", "fixed overlap", {})

    def _about(self, index: int, kind: str, tier: str) -> None:
        thing = self.things[index]
        thing.state = OPEN
        newer = ""
        if kind == "compare_two" and thing.older is not None:
            newer = "b" if self.rng.random() < 0.5 else "a"
            payload = views.comparison(thing.box, thing.cls, thing.older, newer)
        else:
            kind = "verify_box" if kind == "compare_two" else kind
            live = self.live(thing.scene)
            payload = views.about_object(
                index, thing.box, thing.cls, live, self.world.scenes[thing.scene].truth
            )
        self.ask(
            kind,
            thing.scene,
            payload,
            things=(index,),
            tier=tier,
            excluded=frozenset(thing.touched),
            newer=newer,
        )

    def live(self, scene: int) -> list[tuple[int, tuple[float, ...], int]]:
        """Return (index, box, class) of the scene's objects that are not rejected."""
        return [
            (i, t.box, t.cls)
            for i, t in enumerate(self.things)
            if t.scene == scene and t.state not in (REJECTED, UNDECIDABLE)
        ]

    def settle(self, index: int, state: str, risk: float, by: str) -> None:
        """Give an object its end, let everyone who judged it learn from it, and look at its tile again."""
        thing = self.things[index]
        if by == "machine":
            self.counts["auto"] += 1
        if thing.by == "audit" and by != "machine":
            self.counts["audit_wrong"] += state != ACCEPTED or bool(thing.case.fixes)
        thing.state, thing.risk, thing.by = state, float(risk), by
        if state != UNDECIDABLE and by != "machine":
            final = thing.box if state == ACCEPTED else None
            self.credits += credit_object(
                thing.events,
                final,
                thing.cls if final else None,
                certainty=1 - float(risk),
                domain=self.domain(thing.scene),
                policy=self.policy,
            )
        self.review(thing.tile)

    def form_pages(self, active: list[int], *, due: bool) -> bool:
        """Put waiting objects on pages; returns whether anything was asked."""
        waiting = [
            PageItem(i, (t.scene, t.cls), frozenset(t.touched))
            for i, t in enumerate(self.things)
            if t.state == WAITS
        ]
        pages, alone = plan_pages(waiting, self.policy, active=active, due=due)
        for page in pages:
            self._page(page)
        for index in alone:
            self._about(index, "verify_box", "crowd")
        return bool(pages or alone)

    def _page(self, page: Page) -> None:
        first = self.things[page.ids[0]]
        truth = self.world.scenes[first.scene].truth
        cells: dict[int, tuple[float, ...]] = {i: self.things[i].box for i in page.ids}
        seeds: dict[int, str] = {}
        if "gold" not in self.without:
            wrong = float(np.mean([self.things[i].case.belief.risk for i in page.ids]))
            count = max(1, seeds_needed(len(page.ids), wrong, self.policy))
            live = np.array([box for _, box, _ in self.live(first.scene)])
            wh = (truth.width, truth.height)
            for n, seed in enumerate(make_seed_boxes(live, self.rng, self.policy, wh, count=count)):
                cells[-1 - n], seeds[-1 - n] = seed.xyxy, seed.truth
        order = [list(cells)[int(k)] for k in self.rng.permutation(len(cells))]
        shown = [{"id": i, "xyxy": list(cells[i])} for i in order]
        for index in page.ids:
            self.things[index].state = OPEN
        self.ask(
            "grid_verify", first.scene, {"class": first.cls, "cells": shown}, things=page.ids, seeds=seeds,
            excluded=page.excluded,
        )  # fmt: skip

    # Tiles --------------------------------------------------------------------------------------------------

    def review(self, index: int) -> None:
        """Ask for the next look at a tile whose objects have all settled, or call it complete."""
        tile = self.tiles[index]
        if tile.busy or tile.complete or index < 0:
            return
        mine = [t for t in self.things if t.tile == index]
        if any(t.state in (OPEN, WAITS) for t in mine):
            return
        kept = [t for t in mine if t.state == ACCEPTED]
        size = float(np.median([bx.size(np.array([t.box]))[0] for t in kept])) if kept else 48.0
        case = TileCase(tuple(tile.looks), len(kept), tile.core[2] * tile.core[3], size)
        step = next_look(case, self.policy)
        if isinstance(step, Complete):
            tile.complete = True
            if tile.history:
                self.credits += credit_tile(
                    tile.history, [t.box for t in kept], certainty=0.95, domain=self.domain(tile.scene),
                    policy=self.policy,
                )  # fmt: skip
            return
        tile.busy += 1
        payload = views.search(tile.core, self.live(tile.scene), self.world.scenes[tile.scene].truth)
        self.ask(
            "coverage_tile", tile.scene, payload, tile=index, value=SEARCH_VALUE_S,
            tier=step.tier if isinstance(step, Ask) else "specialist",
            excluded=frozenset(look.annotator for look in tile.looks),
        )  # fmt: skip
