"""Putting objects that wait for a glance on pages, so that a page is full, of one class, and bars few people."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from routing.policy import RoutingPolicy

KEEP_FREE = 3  # active annotators who must still be allowed to answer a page


@dataclass(frozen=True, slots=True)
class PageItem:
    """One waiting object. group: objects of different groups never share a page (class, schema, size band)."""

    id: int
    group: Hashable
    excluded: frozenset[int] = frozenset()


Barring = tuple[PageItem, int]  # an item and the active people it bars, as bits


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of one page and everybody who may not answer it."""

    ids: tuple[int, ...]
    excluded: frozenset[int]


def plan_pages(
    items: Sequence[PageItem], policy: RoutingPolicy, *, active: Collection[int], due: bool
) -> tuple[list[Page], list[int]]:
    """Return (pages, ids better looked at alone); what is in neither waits for company.

    Pages are filled greedily with the items that add the fewest people to those who are barred; at least KEEP_FREE
    of the `active` annotators stay allowed (fewer where the crowd is that small). due: nothing else is left to do,
    so short pages are made, and what is too little for a page is looked at alone.
    """
    pages: list[Page] = []
    alone: list[int] = []
    groups: dict[Hashable, list[PageItem]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    people = frozenset(active)
    bit = {person: 1 << n for n, person in enumerate(sorted(people))}
    most_barred = max(len(people) - KEEP_FREE, 0)
    for members in groups.values():
        alike = sorted(members, key=lambda item: (sorted(item.excluded & people), item.id))
        left = [(item, sum(bit[person] for person in item.excluded & people)) for item in alike]
        while len(left) >= policy.grid_min:
            page, rest = _fill(left, policy.grid_size, most_barred)
            if len(page.ids) < policy.grid_size and not due:
                break
            if len(page.ids) < policy.grid_min:
                alone.extend(page.ids)
            else:
                pages.append(page)
            left = rest
        else:
            if due:
                alone.extend(item.id for item, _ in left)
    return pages, alone


def _fill(left: list[Barring], size: int, most_barred: int) -> tuple[Page, list[Barring]]:
    """Take the first item and those that bar the fewest further people; people are bits, counted at once."""
    chosen, barred = [left[0][0]], left[0][1]
    most = max(most_barred, barred.bit_count())
    rest = left[1:]
    while rest and len(chosen) < size:
        free = ~barred
        index = min(range(len(rest)), key=lambda k: (rest[k][1] & free).bit_count())
        if (barred | rest[index][1]).bit_count() > most:
            break
        item, bars = rest.pop(index)
        barred |= bars
        chosen.append(item)
    everyone = frozenset().union(*(item.excluded for item in chosen))
    return Page(tuple(item.id for item in chosen), everyone), rest
