"""What a status changes: every state of a run with every state of a task."""

import itertools

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import Told
from mesostw.core.chronos.events import StatusIgnored
from mesostw.core.chronos.records import RunState
from mesostw.core.scheduling import KillTask
from mesostw.messages.tasks import TaskStatusReason, TaskStatusSource
from mesostw.model.ids import TaskId
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely
from tests.core.chronos.world import World

_S, _R = TaskState, RunState
_ALIVE = {_S.TASK_STAGING: 2, _S.TASK_STARTING: 3, _S.TASK_RUNNING: 4}
_FAILS = frozenset(
    {
        _S.TASK_FAILED,
        _S.TASK_KILLED,
        _S.TASK_ERROR,
        _S.TASK_LOST,
        _S.TASK_DROPPED,
        _S.TASK_GONE,
        _S.TASK_GONE_BY_OPERATOR,
        _S.TASK_UNKNOWN,
    }
)
_STEPS = {
    _R.LAUNCHING: (),
    _R.STAGING: (_S.TASK_STAGING,),
    _R.STARTING: (_S.TASK_STARTING,),
    _R.RUNNING: (_S.TASK_RUNNING,),
}


def _world_at(state: RunState) -> tuple[World, TaskId]:
    world = World(auto=False)
    world.put(minutely())
    world.advance(11)
    (run,) = world.runs()
    assert run.task_id is not None
    for step in _STEPS[state]:
        world.say(run.task_id, step)
    assert world.states() == [state.value], world.states()
    return world, run.task_id


class MatrixTests(SynchronousTestCase):
    """A run only goes on, whatever comes."""

    def test_executors(self) -> None:
        """What an executor says moves a run on or ends it, and is acknowledged every time."""
        for state, said in itertools.product(_STEPS, _S):
            world, task_id = _world_at(state)
            status = world.say(task_id, said)
            found = world.runs()[0]
            where = f"{state} {said}: {found.state}"
            if said is _S.TASK_FINISHED:
                self.assertEqual(found.state, _R.SUCCEEDED, where)
            elif said in _FAILS:
                self.assertEqual(found.state, _R.FAILED, where)
            else:
                rank = max(_ALIVE.get(said, 0), found.rank if said not in _ALIVE else 0)
                self.assertEqual(found.rank, max(rank, 1 + list(_STEPS).index(state)), where)
            self.assertEqual(found.unreachable_since is not None, said is _S.TASK_UNREACHABLE)
            self.assertEqual(world.acknowledged[-1], status.uuid, where)

    def test_repeated(self) -> None:
        """The same status again changes nothing, whether its run has ended or not."""
        for state, said in itertools.product(_STEPS, _S):
            world, task_id = _world_at(state)
            status = world.say(task_id, said)
            kept, standing = world.runs()[0], world.standing()
            world.say(task_id, said, uuid=status.uuid)
            self.assertEqual(world.runs()[0], kept, f"{state} {said}")
            self.assertEqual(world.standing(), standing)

    def test_masters_unknown(self) -> None:
        """A master that knows nothing of a launch has it launched again, of a task ends it."""
        unknown = (_S.TASK_UNKNOWN, _S.TASK_GONE, _S.TASK_LOST, _S.TASK_DROPPED)
        for state, said in itertools.product(_STEPS, unknown):
            world, task_id = _world_at(state)
            world.master.tasks.clear()
            world.say(
                task_id,
                said,
                source=TaskStatusSource.SOURCE_MASTER,
                reason=TaskStatusReason.REASON_RECONCILIATION,
            )
            world.advance(4)
            found = world.runs()[0]
            where = f"{state} {said}: {found}"
            if state is _R.LAUNCHING:
                self.assertEqual((found.state, found.launch), (_R.LAUNCHING, 2), where)
                self.assertNotEqual(found.task_id, task_id)
            else:
                self.assertEqual((found.state, found.launch), (_R.FAILED, 1), where)

    def test_words_of_a_launch(self) -> None:
        """What was said of a launch that came to nothing is not said of one that runs."""
        world, task_id = _world_at(_R.LAUNCHING)
        lost = {"reason": TaskStatusReason.REASON_INVALID_OFFERS}
        master = TaskStatusSource.SOURCE_MASTER
        world.say(task_id, _S.TASK_DROPPED, "Its offer is void", source=master, **lost)
        world.advance(3)
        (run,) = world.runs()
        self.assertEqual(
            (run.state, run.launch, run.message), (_R.LAUNCHING, 2, "Its offer is void")
        )
        assert run.task_id is not None
        world.say(run.task_id, _S.TASK_RUNNING)
        world.say(run.task_id, _S.TASK_RUNNING, "said again, in other words")
        self.assertEqual(world.runs()[0].message, "")

    def test_launches_end(self) -> None:
        """A run that is never launched has failed at last."""
        world = World(auto=False)
        world.put(minutely(retries=0))
        world.advance(11)
        for _ in range(10):
            (run,) = world.runs()
            assert run.task_id is not None
            world.master.tasks.clear()
            world.say(run.task_id, _S.TASK_DROPPED, source=TaskStatusSource.SOURCE_MASTER)
            world.advance(4)
        self.assertEqual(world.states()[0], "failed")
        self.assertEqual(world.runs()[0].launch, 10)


class StrangerTests(SynchronousTestCase):
    """Tasks that no run is."""

    def test_ours(self) -> None:
        """One with an id as ours have is killed, another is left alone; both are told of."""
        world = World()
        for task_id, is_killed in (("ct:1:0:x:y.1", True), ("other", False)):
            world.effects.clear()
            world.changes.clear()
            status = world.say(TaskId(task_id), _S.TASK_RUNNING)
            killed = [one.task_id for one in world.effects if isinstance(one, KillTask)]
            self.assertEqual(killed, [task_id] if is_killed else [])
            told = [one.event for one in world.changes if isinstance(one, Told)]
            assert isinstance(told[0], StatusIgnored)
            self.assertEqual(told[0].why, "unknown")
            self.assertEqual(world.acknowledged[-1], status.uuid)

    def test_ended(self) -> None:
        """A late word of a run that has ended changes nothing."""
        world, task_id = _world_at(_R.RUNNING)
        world.say(task_id, _S.TASK_FINISHED)
        kept, standing = world.runs(), world.standing()
        for said in (_S.TASK_FAILED, _S.TASK_FINISHED, _S.TASK_RUNNING):
            world.say(task_id, said)
        self.assertEqual((world.runs(), world.standing()), (kept, standing))


class AwayTests(SynchronousTestCase):
    """Agents that are away."""

    def test_back(self) -> None:
        """A run whose agent comes back in time goes on."""
        world, task_id = _world_at(_R.RUNNING)
        world.say(task_id, _S.TASK_UNREACHABLE)
        world.advance(100)
        world.say(task_id, _S.TASK_RUNNING)
        world.advance(400)
        self.assertEqual(world.states()[0], "running")

    def test_given_up(self) -> None:
        """After its time it has failed and is tried again; what comes back is killed."""
        world, task_id = _world_at(_R.RUNNING)
        world.say(task_id, _S.TASK_UNREACHABLE)
        world.restart()
        world.say(task_id, _S.TASK_UNREACHABLE)
        world.advance(299)
        self.assertEqual(world.states()[0], "running")
        world.step_wall(-10_000)
        world.advance(3)
        self.assertEqual(world.states()[0], "failed")
        world.effects.clear()
        world.say(task_id, _S.TASK_RUNNING)
        self.assertIn(task_id, [one.task_id for one in world.effects if isinstance(one, KillTask)])


class TimeoutTests(SynchronousTestCase):
    """Runs that take too long."""

    def test_grace(self) -> None:
        """The agent has the first word; after it we end the run, which may be tried again."""
        world = World()
        world.put(minutely(max_completion_time=20, retries=1))
        world.advance(11)
        (run,) = world.runs()
        assert run.task_id is not None
        task = world.master.tasks[run.task_id]
        assert task.max_completion_time is not None
        self.assertEqual(task.max_completion_time.nanoseconds, 20_000_000_000)
        world.advance(25)
        self.assertEqual(world.states()[0], "running")
        world.advance(8)
        self.assertEqual(world.states()[0], "failed")
        self.assertIn("maxCompletionTime", world.run(run).message)
        self.assertEqual(len(world.runs("a", RunState.WAITING)), 1)
