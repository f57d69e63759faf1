"""How work is handed to actors that start late, never, or die: the pool's own decisions, on a stand-in for Ray."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ray.exceptions import RayActorError

from engine import actors
from engine.actors import IN_FLIGHT, RayPool
from engine.prelabel import ChunkTask, PrelabelError
from engine.types import PrelabelOptions, ScenePredictionChunk, SceneRef


@dataclass(eq=False)
class Reference:
    """A result to come: `value` raises or gives it."""

    actor: "Actor"
    value: Callable[[], Any]


@dataclass(eq=False)
class Actor:
    """A process that may have `room` to start, and works off what it was given in order until it is `dead`: at its first
    work if it is `frail`, or by a chunk that is `fatal`."""

    number: int
    room: bool = True
    dead: bool = False
    frail: bool = False
    fatal: str = ""
    given: list[str] = field(default_factory=list)

    @property
    def ready(self) -> Any:
        return Method(lambda: self._reference(lambda: None))

    @property
    def run(self) -> Any:
        return Method(self._run)

    def _run(self, task: ChunkTask) -> Reference:
        self.given.append(task.chunk_id)
        chunk = ScenePredictionChunk(task.chunk_id, task.scene.scene_id, task.index, task.of, "v", (), 0.0)

        def work() -> ScenePredictionChunk:
            if self.frail or task.chunk_id == self.fatal:
                self.dead = True
                raise RayActorError()
            return chunk

        return self._reference(work)

    def _reference(self, value: Callable[[], Any]) -> Reference:
        def result() -> Any:
            if self.dead:
                raise RayActorError()
            return value()

        return Reference(self, result)


@dataclass
class Method:
    remote: Callable[..., Reference]


class FakeRay:
    """Actors with the numbers in `no_room` never start, those in `stillborn` die at once, those below `frail` at their
    first work, and every one by the chunk `fatal`. `wait` gives the oldest."""

    def __init__(
        self, *, no_room: set[int] | None = None, stillborn: Callable[[int], bool] = lambda n: False
    ):
        self.no_room, self.stillborn = no_room or set(), stillborn
        self.actors: list[Actor] = []
        self.frail, self.fatal = 0, ""

    def remote(self, **_: Any) -> Callable[[type], Any]:
        return lambda kind: Method(self._made)

    def _made(self, *_: Any) -> Actor:
        number = len(self.actors)
        room, dead = number not in self.no_room, self.stillborn(number)
        self.actors.append(Actor(number, room, dead, number < self.frail, self.fatal))
        return self.actors[-1]

    def wait(self, references: list[Reference], num_returns: int) -> tuple[list[Reference], list[Reference]]:
        done = [r for r in references if r.actor.dead or r.actor.room][:num_returns]
        assert done, "the pool waits for what will never come"
        return done, []

    def get(self, reference: Reference) -> Any:
        return reference.value()

    def kill(self, actor: Actor) -> None:
        actor.dead = True


def tasks(count: int) -> Iterator[ChunkTask]:
    for n in range(count):
        scene = SceneRef(f"s{n}", "a.png", 10, 10)
        yield ChunkTask(f"s{n}/x/0of1", scene, 0, 1, (), 64, 1, PrelabelOptions(classes={}))


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(actors, "ray", fake)
    return fake


class TestRayPool:
    def test_gives_nothing_to_an_actor_that_has_no_room_to_start(self, ray: FakeRay) -> None:
        ray.no_room = {1}

        rows = [c.chunk_id for c in RayPool(2).map(None, tasks(7))]

        assert sorted(rows) == sorted(t.chunk_id for t in tasks(7))
        assert ray.actors[1].given == []

    def test_goes_on_with_fewer_when_a_node_is_lost_and_nothing_takes_its_place(self, ray: FakeRay) -> None:
        ray.no_room = {3}  # the one that is to replace the dead one
        rows = []
        for chunk in RayPool(3).map(None, tasks(20)):
            rows.append(chunk.chunk_id)
            if len(rows) == 5:
                ray.kill(ray.actors[0])

        assert Counter(rows) == Counter(t.chunk_id for t in tasks(20))

    def test_blames_no_chunk_for_actors_that_die_at_whatever_they_begin_with(self, ray: FakeRay) -> None:
        ray.frail = 10

        rows = Counter(c.chunk_id for c in RayPool(2).map(None, tasks(40)))

        assert rows == Counter(t.chunk_id for t in tasks(40))

    def test_names_the_chunk_that_ends_every_actor_and_not_those_that_waited_behind_it(
        self, ray: FakeRay
    ) -> None:
        ray.fatal = "s2/x/0of1"

        with pytest.raises(PrelabelError, match="scene s2: chunk s2/x/0of1 ended 4 actors"):
            list(RayPool(2).map(None, tasks(40)))

        assert len(ray.actors) == 2 + 4

    def test_keeps_what_it_hands_out_bounded(self, ray: FakeRay) -> None:
        taken = 0

        def counted() -> Iterator[ChunkTask]:
            nonlocal taken
            for task in tasks(50):
                taken += 1
                yield task

        rows = RayPool(2).map(None, counted())
        next(rows)

        assert taken <= 2 * IN_FLIGHT + 1

    def test_gives_up_when_no_actor_can_start(self, ray: FakeRay) -> None:
        ray.stillborn = lambda number: True

        with pytest.raises(PrelabelError, match="no actor could start, 8 times in a row"):
            list(RayPool(2).map(None, tasks(3)))

    def test_survives_some_that_do_not_start(self, ray: FakeRay) -> None:
        ray.stillborn = lambda number: number % 2 == 0

        rows = [c.chunk_id for c in RayPool(2).map(None, tasks(9))]

        assert len(set(rows)) == len(rows) == 9

    def test_ends_at_once_without_work(self, ray: FakeRay) -> None:
        assert list(RayPool(2).map(None, tasks(0))) == []
