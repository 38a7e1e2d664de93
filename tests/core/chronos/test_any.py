"""Whatever happens in whatever order: nothing is lost, nothing doubled, all is counted."""

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import RANKS, Cause, RunState
from mesostw.core.chronos.words import JobKillAsked, RunAsked
from mesostw.core.outcome import Outcome
from mesostw.core.scheduling import KillTask
from mesostw.messages.tasks import TaskInfo
from mesostw.model.ids import TaskId
from mesostw.model.jobs import CatchUp, Concurrency, JobName, JobSpec
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely
from tests.core.chronos.world import World

A = JobName("a")
RETRIES = 1
ENDS = (TaskState.TASK_FINISHED, TaskState.TASK_FAILED, TaskState.TASK_KILLED)
MOVES = (
    TaskState.TASK_STAGING,
    TaskState.TASK_RUNNING,
    TaskState.TASK_UNREACHABLE,
    TaskState.TASK_KILLING,
    *ENDS,
)

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.integers(1, 90)),
        st.tuples(st.just("say"), st.sampled_from(MOVES)),
        st.tuples(st.just("end_unheard"), st.sampled_from(ENDS)),
        st.tuples(st.just("repeat"), st.integers(0, 5)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("crash"), st.integers(1, 12)),
        st.tuples(st.just("step"), st.integers(-300, 300)),
        st.tuples(st.just("lose_launch"), st.just(0)),
        st.tuples(st.just("relink"), st.integers(0, 20)),
        st.tuples(st.just("run"), st.just(0)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    max_size=25,
)


class Crash(Exception):
    """A life of Chronos ends in the middle of a turn."""


class Chaos:
    """One job in one world, and what is done to them."""

    def __init__(self, spec: JobSpec) -> None:
        self.spec = spec
        self.world = World(ChronosFlags(failure_retry_s=20), auto=False)
        self._watch()
        self.world.put(spec)
        self.said: list[tuple[TaskId, TaskState, bytes | None]] = []

    def _watch(self) -> None:
        launch = self.world._launch

        def launched(tasks: Any) -> None:
            for task in tasks:
                self._check_alone(task)
                launch((task,))

        self.world._launch = launched  # type: ignore[method-assign]

    def _check_alone(self, task: TaskInfo) -> None:
        if self.spec.concurrency is not Concurrency.ALLOW:
            # Of what was away for too long nobody knows whether it runs: it is not waited for,
            # also not once it is back, when it is killed as a stranger.
            there = [
                one
                for task_id, one in self.world.master.tasks.items()
                if one.name == task.name and not self._is_given_up(task_id)
            ]
            assert not there, f"{task.task_id.value} beside {there[0].task_id.value}"

    def _is_given_up(self, task_id: TaskId) -> bool:
        return any(
            run.task_id == task_id and run.message.endswith("was away for too long")
            for run in self.world.runs("a", RunState.FAILED, RunState.KILLED)
        )

    def do(self, action: str, given: Any) -> None:
        """Have one thing happen."""
        world = self.world
        tasks = tuple(world.master.tasks)
        match action:
            case "advance":
                world.advance(given)
            case "say" if tasks:
                status = world.say(tasks[0], given)
                self.said.append((tasks[0], given, status.uuid))
            case "repeat" if self.said:
                task_id, state, uuid = self.said[given % len(self.said)]
                world.say(task_id, state, uuid=uuid)
            case "restart":
                world.restart()
            case "step":
                world.step_wall(given)
            case "run":
                world.ask(RunAsked(name=A, lenient=True))
            case "kill":
                world.ask(JobKillAsked(name=A))
            case _:
                self._break(action, given, tasks)

    def _break(self, action: str, given: Any, tasks: tuple[TaskId, ...]) -> None:
        world = self.world
        match action:
            case "end_unheard" if tasks:
                # It ends while nobody hears it; the word comes with the next link.
                world.lose_master()
                world.pending.clear()
                hear, world.hear = world.hear, lambda stimulus: None  # type: ignore[method-assign]
                world.say(tasks[0], given)
                world.hear = hear  # type: ignore[method-assign]
                world.register()
            case "lose_launch":
                for task_id in tasks:
                    if world.master.states[task_id] is TaskState.TASK_STAGING:
                        self._lose(task_id)
            case "relink":
                world.lose_master()
                world.advance(given + 1)
                world.register()
            case "crash":
                self._crash(given)
            case _:
                pass

    def _lose(self, task_id: TaskId) -> None:
        run = self.world.core.state.by_task(task_id)
        if run is not None and run.task_state is None:
            del self.world.master.tasks[task_id]
            del self.world.master.states[task_id]

    def _crash(self, at: int) -> None:
        """What the turn numbered ``at`` from now leads to is kept, but never done."""
        world, took, count = self.world, self.world._took, 0

        def taken(outcome: Outcome[Any, Any]) -> None:
            nonlocal count
            count += 1
            if count == at:
                for change in outcome.changes if at % 2 else ():
                    world.keep(change)
                raise Crash
            took(outcome)

        world._took = taken  # type: ignore[method-assign]
        with contextlib.suppress(Crash):
            world.advance(70)
        world._took = took  # type: ignore[method-assign]
        world.restart()

    def over(self) -> None:
        """Let all that is there come to its end, then count."""
        world = self.world
        for _ in range(500):
            for task_id in tuple(world.master.tasks):
                world.say(task_id, TaskState.TASK_FINISHED)
            world.advance(5)
            if not world.master.tasks and not world.runs("a", *_LIVE):
                break
        _check(world, self.spec)


_LIVE = tuple(state for state in RunState if RANKS[state] < RANKS[RunState.SUCCEEDED])


def _check(world: World, spec: JobSpec) -> None:
    standing, runs = world.standing(), world.runs()
    served = sum(run.skipped for run in runs if run.cause is Cause.CLOCK)
    assert served == standing.passed, f"{served} served, {standing.passed} passed: {runs}"
    succeeded = sum(run.state is RunState.SUCCEEDED for run in runs)
    assert succeeded == standing.success_count, f"{succeeded}, {standing.success_count} counted"
    failed = sum(run.state is RunState.FAILED and run.attempt >= spec.retries for run in runs)
    assert failed == standing.error_count, f"{failed} failed, {standing.error_count} counted"
    for run_id, states in world.lives.items():
        ranks = [RANKS[state] for state in states]
        assert ranks == sorted(ranks), f"{run_id}: {states}"
    assert not world.runs("a", *_LIVE[1:]), world.states()


class AnyTests(SynchronousTestCase):
    """Lists of anything that may happen."""

    def _any(self, actions: list[tuple[str, Any]], **fields: Any) -> None:
        chaos = Chaos(minutely(retries=RETRIES, history_limit=1_000, **fields))
        for action, given_ in actions:
            chaos.do(action, given_)
        chaos.over()

    def test_back_after_all(self) -> None:
        """A task that comes back after it was given up is killed, and no launch waits for it."""
        chaos = Chaos(minutely(retries=RETRIES, history_limit=1_000))
        world = chaos.world
        for action, given_ in (
            ("advance", 15),
            ("say", TaskState.TASK_RUNNING),
            ("say", TaskState.TASK_UNREACHABLE),
            ("advance", 323),
            ("lose_launch", 0),
            ("say", TaskState.TASK_RUNNING),
        ):
            chaos.do(action, given_)
        first, again = world.runs("a", RunState.FAILED, RunState.LAUNCHING)
        self.assertEqual((again.attempt, again.launch), (1, 1))
        assert first.task_id is not None
        self.assertIn(KillTask(first.task_id, None), world.effects)
        chaos.do("restart", 0)
        self.assertEqual(world.run(again).launch, 2)
        self.assertEqual(list(world.master.tasks), [first.task_id, world.run(again).task_id])
        chaos.over()

    @settings(max_examples=150, deadline=None)
    @given(ACTIONS, st.sampled_from(list(Concurrency)), st.sampled_from(list(CatchUp)))
    def test_any(
        self, actions: list[tuple[str, Any]], concurrency: Concurrency, catch_up: CatchUp
    ) -> None:
        """Each instant has one record, no run goes back, and the counters are the records."""
        self._any(actions, concurrency=concurrency, catch_up=catch_up)
