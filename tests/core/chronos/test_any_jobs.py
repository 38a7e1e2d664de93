"""Jobs that hang on each other, changed and asked for while anything goes wrong."""

import random
from typing import Any

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import RANKS, RunState
from mesostw.core.chronos.words import (
    AllTasksDropAsked,
    JobKillAsked,
    MarkAsked,
    PauseAsked,
    RerunAsked,
    RunAsked,
    RunKillAsked,
    VerdictAsked,
)
from mesostw.model.ids import TaskId
from mesostw.model.jobs import CatchUp, Concurrency, JobName, JobSpec, RunId, Trigger
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely
from tests.core.chronos.test_any import ENDS, MOVES
from tests.core.chronos.world import World

NAMES = tuple(map(JobName, "abcd"))
PARENTS = {"c": ("a", "b"), "d": ("a", "c")}


class Chaos:
    """Four jobs in one world, and what chance does to them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(ChronosFlags(failure_retry_s=20), auto=self.chance.random() < 0.5)
        for name in NAMES:
            self.world.put(self.spec(name))

    def spec(self, name: JobName) -> JobSpec:
        """A job as chance wants it."""
        choice, random_ = self.chance.choice, self.chance.random
        fields: dict[str, Any] = {
            "retries": choice((0, 1, 2)),
            "concurrency": choice(list(Concurrency)),
            "catch_up": choice(list(CatchUp)),
            "starting_deadline_seconds": choice((None, None, 30.0)),
            "disabled": random_() < 0.15,
            "is_async": random_() < 0.15,
            "soft_error": random_() < 0.2,
            "max_completion_time": choice((0, 0, 20)),
            "history_limit": choice((1, 3, 20)),
            "disable_after_failures": choice((0, 0, 2)),
            "unreachable_seconds": choice((0.0, 30.0, 300.0)),
        }
        if name not in PARENTS:
            return minutely(name, offset_s=choice((10, 25)), count=choice((None, 3)), **fields)
        parents = tuple(map(JobName, PARENTS[name]))
        trigger = choice(list(Trigger))
        return JobSpec(name=name, command="true", parents=parents, trigger=trigger, **fields)

    def step(self) -> None:
        """One thing more."""
        chance, world = self.chance, self.world
        tasks = tuple(world.master.tasks)
        match chance.choice(("advance", "advance", "say", "say", "put", "remove", "ask", "break")):
            case "advance":
                world.advance(chance.randint(1, 90))
            case "say" if tasks:
                world.say(chance.choice(tasks), chance.choice((*MOVES, *ENDS)))
            case "put":
                world.put(self.spec(chance.choice(NAMES)))
            case "remove" if "d" in world.core.state.jobs:
                world.remove("d")
            case "ask":
                world.ask(self._question(tasks))
            case "break":
                self._break()
            case _:
                pass

    def _question(self, tasks: tuple[TaskId, ...]) -> Struct:
        name = self.chance.choice(NAMES)
        run_id = self.chance.choice((*self.world.core.state.runs, RunId("none")))
        task_id = self.chance.choice((*tasks, TaskId("none")))
        code, paused = self.chance.randint(0, 1), self.chance.random() < 0.4
        questions = (
            RunAsked(name=name),
            JobKillAsked(name=name),
            MarkAsked(name=name),
            RunKillAsked(run_id=run_id),
            RerunAsked(run_id=run_id),
            VerdictAsked(task_id=task_id, status_code=code),
            PauseAsked(paused=paused),
            AllTasksDropAsked(),
        )
        return self.chance.choice(questions)

    def _break(self) -> None:
        world = self.world
        match self.chance.choice(("restart", "wall", "link")):
            case "restart":
                world.restart()
            case "wall":
                world.step_wall(self.chance.randint(-300, 300))
            case _:
                world.lose_master()
                world.advance(self.chance.randint(1, 20))
                world.register()

    def over(self) -> None:
        """Let what runs come to its end, and one more life begin."""
        world = self.world
        world.ask(PauseAsked(paused=False))
        for _ in range(20):
            world.finish_all(TaskState.TASK_FINISHED)
            world.advance(5)
        world.restart()
        world.advance(3)


class AnyJobsTests(SynchronousTestCase):
    """Many worlds, each by its seed."""

    def test_any(self) -> None:
        """Every invariant holds after every word, tasks are known, and no run goes back."""
        for seed in range(60):
            chaos = Chaos(seed)
            for _ in range(40):
                chaos.step()
            chaos.over()
            state, master = chaos.world.core.state, chaos.world.master
            known = {
                task_id
                for task_id, run_id in state.out.items()
                if state.runs[run_id].state is not RunState.AWAITED
            }
            self.assertEqual(known, set(master.tasks), f"seed {seed}")
            for states in chaos.world.lives.values():
                ranks = [RANKS[one] for one in states]
                self.assertEqual(ranks, sorted(ranks), f"seed {seed}")
