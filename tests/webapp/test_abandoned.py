"""How a janitor walks through the questions that nobody may answer any more."""

from datetime import UTC, datetime, timedelta

from webapp.labeling.abandoned import REST, SPAN, Walk

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class TestWalk:
    def test_looks_at_every_id_once_before_it_begins_again(self) -> None:
        walk, last = Walk(), 3 * SPAN - 1
        seen = [walk.stretch(last, NOON + timedelta(seconds=n)) for n in range(3)]

        assert seen == [(0, SPAN), (SPAN, 2 * SPAN), (2 * SPAN, 3 * SPAN)]
        assert walk.stretch(last, NOON + REST) == (0, SPAN)

    def test_rests_when_there_is_little_to_look_at(self) -> None:
        walk = Walk()

        assert walk.stretch(10, NOON) == (0, SPAN)
        assert walk.stretch(10, NOON + REST / 2) is None
        assert walk.stretch(10, NOON + REST) == (0, SPAN)

    def test_begins_with_nothing_where_nothing_was_asked(self) -> None:
        assert Walk().stretch(0, NOON) == (0, SPAN)
