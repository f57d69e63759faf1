"""Putting waiting objects on pages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.pages import KEEP_FREE, PageItem, plan_pages
from routing.policy import RoutingPolicy

POLICY = RoutingPolicy()
PEOPLE = range(10)

items_lists = st.lists(
    st.builds(
        PageItem,
        id=st.integers(0, 10**6),
        group=st.sampled_from(["cars", "trees"]),
        excluded=st.frozensets(st.integers(0, 9), max_size=3),
    ),
    max_size=60,
    unique_by=lambda item: item.id,
)


class TestPlanPages:
    @settings(max_examples=60)
    @given(items_lists, st.booleans())
    def test_uses_every_object_at_most_once_and_mixes_no_groups(
        self, items: list[PageItem], due: bool
    ) -> None:
        pages, alone = plan_pages(items, POLICY, active=PEOPLE, due=due)

        by_id = {item.id: item for item in items}
        used = [id for page in pages for id in page.ids] + alone
        assert len(used) == len(set(used))
        assert set(used) <= set(by_id)
        for page in pages:
            assert POLICY.grid_min <= len(page.ids) <= POLICY.grid_size
            assert len({by_id[id].group for id in page.ids}) == 1
            assert page.excluded == frozenset().union(*(by_id[id].excluded for id in page.ids))

    @settings(max_examples=60)
    @given(items_lists)
    def test_leaves_enough_people_who_may_answer(self, items: list[PageItem]) -> None:
        pages, _ = plan_pages(items, POLICY, active=PEOPLE, due=True)

        for page in pages:
            assert len(set(PEOPLE) - page.excluded) >= KEEP_FREE

    @settings(max_examples=40)
    @given(items_lists)
    def test_leaves_nothing_behind_when_it_is_due(self, items: list[PageItem]) -> None:
        pages, alone = plan_pages(items, POLICY, active=PEOPLE, due=True)

        assert {id for page in pages for id in page.ids} | set(alone) == {item.id for item in items}

    def test_waits_for_a_full_page_until_it_is_due(self) -> None:
        few = [PageItem(n, "cars") for n in range(POLICY.grid_size - 1)]

        waiting, _ = plan_pages(few, POLICY, active=PEOPLE, due=False)
        due, _ = plan_pages(few, POLICY, active=PEOPLE, due=True)
        full, _ = plan_pages([*few, PageItem(99, "cars")], POLICY, active=PEOPLE, due=False)

        assert waiting == []
        assert len(due) == 1 and len(due[0].ids) == len(few)
        assert len(full) == 1 and len(full[0].ids) == POLICY.grid_size

    def test_has_too_few_looked_at_alone(self) -> None:
        few = [PageItem(n, "cars") for n in range(POLICY.grid_min - 1)]

        assert plan_pages(few, POLICY, active=PEOPLE, due=True) == ([], [item.id for item in few])

    def test_puts_objects_of_the_same_people_together(self) -> None:
        items = [PageItem(n, "cars", frozenset({n % 2})) for n in range(2 * POLICY.grid_size)]

        pages, _ = plan_pages(items, POLICY, active=PEOPLE, due=False)

        assert [len(page.excluded) for page in pages] == [1, 1]

    def test_makes_pages_for_a_crowd_smaller_than_it_keeps_free(self) -> None:
        items = [PageItem(n, "cars") for n in range(POLICY.grid_size)]

        pages, _ = plan_pages(items, POLICY, active=[1], due=False)

        assert len(pages) == 1
