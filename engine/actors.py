"""Pre-labelling on Ray: a pool of actors that each hold the model, fed with a bounded number of chunks.

An actor may die at any time. What it was doing is given to another one, a new actor takes its place, and because a
chunk's result is taken exactly once, its rows are written exactly once.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from engine.prelabel import ChunkTask, Prelabeler, PrelabelError
from engine.types import ModelRef, ScenePredictionChunk

IN_FLIGHT = 2  # per actor: one at work and one waiting, so that it never idles and memory stays flat
MOST_ATTEMPTS = 4  # a chunk that kills this many actors is the cause, not the victim
MOST_STARTS = 8  # in a row that fail: then it is not bad luck


class _Worker:
    """A `Prelabeler` in a process of its own."""

    def __init__(self, model: ModelRef | None, threads: int) -> None:
        self.prelabeler = Prelabeler(model, threads=threads)

    def ready(self) -> None:
        """Answers once the model is loaded."""

    def run(self, task: ChunkTask) -> ScenePredictionChunk:
        return self.prelabeler(task)


@dataclass(slots=True, eq=False)
class _Slot:
    """One actor and the scene it has open: it gets more chunks of that first. `starting` is its first sign of life, None
    once that came: after a node died there may be no room for the actor, and what it was given would wait for ever.
    `given` is what it has to do, the first of which it is doing; `proven` says that it has finished something."""

    actor: Any
    starting: Any
    given: list[Any] = field(default_factory=list)
    proven: bool = False
    scene: str = ""

    @property
    def free(self) -> bool:
        return self.starting is None and len(self.given) < IN_FLIGHT


@dataclass(slots=True)
class _Work:
    """What is under way: object reference -> (task, slot), tasks to repeat, and whether there are no others."""

    running: dict[Any, tuple[ChunkTask, _Slot]] = field(default_factory=dict)
    exhausted: bool = False
    again: deque[ChunkTask] = field(default_factory=deque)
    attempts: dict[str, int] = field(default_factory=dict)


class RayPool:
    """Executes chunks on Ray actors. Use through `engine.cluster.open_pool`."""

    def __init__(self, actors: int, *, threads: int = 1) -> None:
        if actors < 1:
            raise ValueError(f"actors must be at least 1, got {actors}")
        self.count = actors
        self.threads = threads
        self.replaced = 0
        self._failed_starts = 0
        self._slots: list[_Slot] = []
        self._model: ModelRef | None = None

    def map(self, model: ModelRef | None, tasks: Iterable[ChunkTask]) -> Iterator[ScenePredictionChunk]:
        """Yield each chunk exactly once, as they finish. Tasks are taken from the iterable only when an actor has room
        for one, so a slow consumer slows the actors down instead of filling memory.

        Raises PrelabelError when a scene cannot be used or a chunk has killed several actors.
        """
        self._hire(model)
        waiting = iter(tasks)
        work = _Work()
        try:
            while True:
                self._feed(work, waiting)
                if work.exhausted and not work.running and not work.again:
                    return
                starting = {s.starting: s for s in self._slots if s.starting is not None}
                ready, _ = ray.wait([*work.running, *starting], num_returns=1)
                for reference in ready:
                    if reference in starting:
                        self._started(starting[reference])
                        continue
                    result = self._collect(work, reference)
                    if result is not None:
                        yield result
        finally:
            if work.running:  # Nobody wants these results any more.
                self.close()

    def close(self) -> None:
        """End the actors."""
        for slot in self._slots:
            ray.kill(slot.actor)
        self._slots = []

    def actor_handles(self) -> list[Any]:
        """The live actors (for tests that end one)."""
        return [slot.actor for slot in self._slots if slot.starting is None]

    def _hire(self, model: ModelRef | None) -> None:
        if self._slots and model != self._model:
            self.close()
        self._model = model
        while len(self._slots) < self.count:
            self._slots.append(self._new_slot())

    def _new_slot(self) -> _Slot:
        remote = ray.remote(num_cpus=1, max_restarts=0)(_Worker)
        actor: Any = remote.remote(self._model, self.threads)
        return _Slot(actor, actor.ready.remote())

    def _started(self, slot: _Slot) -> None:
        """Take an actor's first sign of life; one that died before it is replaced."""
        try:
            ray.get(slot.starting)
        except RayError as error:
            self._failed_starts += 1
            if self._failed_starts >= MOST_STARTS:
                raise PrelabelError(f"no actor could start, {MOST_STARTS} times in a row: {error}") from error
            self._replace(slot)
        else:
            slot.starting, self._failed_starts = None, 0

    def _feed(self, work: _Work, waiting: Iterator[ChunkTask]) -> None:
        """Give work to every actor with room: chunks to repeat first, then the next of the scene it has open.

        A chunk whose actor died goes to one that has finished something, as long as there is other work for the rest: where
        actors keep dying young, the same chunk would die with each of them and take the blame.
        """
        while free := [slot for slot in self._slots if slot.free]:
            proven = [slot for slot in free if slot.proven]
            if work.again and proven:
                task, free = work.again.popleft(), proven
            elif (fresh := next(waiting, None)) is not None:
                task = fresh
            elif work.again:
                task = work.again.popleft()
            else:
                work.exhausted = True
                return
            scene = task.scene.scene_id
            slot = min(free, key=lambda s: (s.scene != scene, len(s.given)))
            reference = slot.actor.run.remote(task)
            slot.given.append(reference)
            slot.scene = scene
            work.running[reference] = (task, slot)

    def _collect(self, work: _Work, reference: Any) -> ScenePredictionChunk | None:
        """Take one finished reference: its result, or None when its actor died and the task was put back."""
        task, slot = work.running.pop(reference)
        try:
            result: ScenePredictionChunk = ray.get(reference)
        except RayTaskError as error:
            raise PrelabelError(f"scene {task.scene.scene_id}: {error.cause}") from error
        except RayError as error:  # The actor died, or its node with the result.
            self._replace(slot)
            at_work = slot.given[0] == reference  # What waited behind it has done nothing.
            attempts = work.attempts[task.chunk_id] = work.attempts.get(task.chunk_id, 0) + at_work
            if attempts >= MOST_ATTEMPTS:
                raise PrelabelError(
                    f"scene {task.scene.scene_id}: chunk {task.chunk_id} ended {attempts} actors ({error}); is there "
                    "enough memory for this scene?"
                ) from error
            work.again.append(task)
            return None
        slot.given.remove(reference)
        slot.proven = True
        return result

    def _replace(self, slot: _Slot) -> None:
        """Put a new actor in the place of a dead one, once, though each of its chunks reports the death."""
        if slot in self._slots:
            ray.kill(slot.actor)  # It may live on when only a result was lost.
            self._slots[self._slots.index(slot)] = self._new_slot()
            self.replaced += 1
