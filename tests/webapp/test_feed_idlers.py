"""Whom news of work wakes: a few at first, more while there is some left, nobody once it is gone."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from webapp.feed.idlers import FEW, LOOKED, Idlers
from webapp.feed.seats import Seat
from webapp.labeling.windows import LaneKey, Windows
from webapp.people.models import Tier, User

MANY = 7 * FEW + 44
TREES, CELLS = (1, "verify_box/aerial/crowd"), (2, "verify_box/medical/crowd")
HARD = (1, "adjudicate/aerial/specialist")


class Stock(Windows):
    """Windows of lanes of which a test says what they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.full: set[LaneKey] = set()

    def left(self, lanes: Iterable[LaneKey]) -> bool:
        return bool(self.full & set(lanes))


@pytest.fixture
def stock() -> Stock:
    return Stock()


@pytest.fixture
def idlers(stock: Stock) -> Idlers:
    """Many people of the crowd, a specialist in the middle of them and somebody who knows cells at the end."""
    waiting = Idlers(stock)
    for n in range(MANY):
        waiting.add(seat(n, tier=Tier.SPECIALIST if n == MANY // 2 else Tier.CROWD))
    waiting.add(seat(MANY, domains=["medical"]))
    return waiting


def seat(n: int, *, tier: str = Tier.CROWD, domains: Iterable[str] = ("aerial",)) -> Seat:
    person = User(pk=n + 1, username=f"p{n}", tier=tier)
    return Seat(f"s{n}", person, frozenset(domains), cast(Any, None), want=1)


def turn(idlers: Idlers, *, served: bool = False, most: int = 1_000) -> int:
    """One round in which those who are tried find something or not, and wait again; returns how many they were."""
    tried = idlers.take(most)
    for one in tried:
        idlers.add(one)
    if tried:
        idlers.tried(served)
    return len(tried)


class TestNewsOfWork:
    def test_wakes_a_few_and_nobody_else_once_it_is_gone(self, idlers: Idlers) -> None:
        idlers.stir({TREES})

        assert turn(idlers, served=True) == FEW
        assert not idlers.due
        assert turn(idlers) == 0

    def test_wakes_twice_as_many_each_time_while_some_is_left(self, idlers: Idlers, stock: Stock) -> None:
        stock.full = {TREES}
        idlers.stir({TREES})

        turns = [turn(idlers, served=True) for _ in range(3)]
        stock.full.clear()

        assert turns == [FEW, 2 * FEW, 4 * FEW]
        assert turn(idlers) == MANY - sum(turns)
        assert not idlers.due

    def test_reaches_everybody_once_when_it_suits_none_of_those_tried(
        self, idlers: Idlers, stock: Stock
    ) -> None:
        stock.full = {TREES}
        idlers.stir({TREES})

        turns = [turn(idlers, most=MANY // 5) for _ in range(8)]

        assert sum(turns) == MANY
        assert turns[-1] == 0
        assert not idlers.due

    @pytest.mark.parametrize(("lane", "who"), [(HARD, f"s{MANY // 2}"), (CELLS, f"s{MANY}")])
    def test_wakes_only_those_whom_it_may_suit(self, idlers: Idlers, lane: LaneKey, who: str) -> None:
        idlers.stir({lane})

        assert [one.session for one in idlers.take(1_000)] == [who]

    def test_that_comes_while_others_are_tried_is_not_lost(self, idlers: Idlers) -> None:
        idlers.stir({TREES})
        tried = idlers.take(1_000)
        idlers.stir({CELLS})
        for one in tried:
            idlers.add(one)
        idlers.tried(served=False)

        assert idlers.due
        assert f"s{MANY}" in {one.session for one in idlers.take(1_000)}

    def test_of_several_kinds_of_work_reaches_those_whom_each_suits(self, idlers: Idlers) -> None:
        idlers.stir({TREES, HARD, CELLS})

        tried = {one.session for one in idlers.take(1_000)}

        assert {"s0", f"s{MANY // 2}", f"s{MANY}"} <= tried
        assert len(tried) <= 3 * FEW

    def test_waits_while_a_round_has_no_place_for_them(self, idlers: Idlers) -> None:
        idlers.stir({TREES})

        assert idlers.take(0) == []
        assert idlers.due
        assert len(idlers.take(1_000)) == FEW

    def test_wakes_nobody_where_nobody_waits(self, stock: Stock) -> None:
        empty = Idlers(stock)
        empty.stir({TREES})

        assert not empty.due


class TestALookNowAndThen:
    def test_tries_some_and_others_the_next_time(self, idlers: Idlers) -> None:
        seen: set[str] = set()
        for _ in range(MANY // LOOKED + 1):
            idlers.stir(None)
            tried = idlers.take(1_000)
            assert len(tried) == LOOKED
            seen.update(one.session for one in tried)
            for one in tried:
                idlers.add(one)
            idlers.tried(served=False)
            assert not idlers.due

        assert len(seen) == MANY + 1

    def test_goes_on_while_people_find_something(self, idlers: Idlers) -> None:
        idlers.stir(None)

        assert [turn(idlers, served=True), turn(idlers, served=False)] == [LOOKED, 2 * LOOKED]
        assert not idlers.due
