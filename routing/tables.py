"""An immutable, hashable mapping of names to numbers, so that a policy can be a dictionary key."""

from collections.abc import Iterator, Mapping
from typing import Any


class Table(Mapping[str, float]):
    """A frozen `{name: number}`; equal to, and hashed by, its items.

    >>> Table({"a": 1})["a"]
    1.0
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, float]) -> None:
        self._items = {key: float(items[key]) for key in sorted(items)}
        self._hash = hash(tuple(self._items.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # Hashes of texts differ between processes, so a kept one must not travel.
        return Table, (self._items,)

    def __getitem__(self, key: str) -> float:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Table):  # as in every look-up of a cache by policy
            return self._hash == other._hash and self._items == other._items
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def __repr__(self) -> str:
        return f"Table({self._items!r})"
