"""What is told to a copy rebuilds the tables as they are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.copying import rebuilding
from mesostw.core.master.state import ClusterState
from mesostw.core.master.words import TaskKillAsked
from mesostw.messages.scheduler_calls import Teardown
from mesostw.messages.tasks import TaskState
from mesostw.model.ids import FrameworkId, TaskId
from mesostw.testing.checkers import differences
from mesostw.testing.cluster import Cluster
from tests.core.master.builders import Bench, executor_info, launch, task_info


def copy_of(view: ClusterState) -> ClusterState:
    """A state that was told what rebuilds ``view``."""
    copy = ClusterState()
    for change in rebuilding(view):
        copy.apply(change)
    return copy


class RebuildingTests(SynchronousTestCase):
    """An empty state that is told equals the one that tells."""

    def test_every_table(self) -> None:
        """Agents here and away, tasks in every part of their lives, offers, executors."""
        bench = Bench()
        agent, other = bench.agent(), bench.agent()
        framework = bench.framework()
        bench.run(framework, agent)
        bench.run(framework, other, "t2")
        bench.allocate()
        offer = framework.offers()[0]
        task = task_info("t3", offer.agent_id.value, executor=executor_info())
        bench.accept(framework, launch(task), offers=[offer])
        bench.report(agent, framework, "t1", TaskState.TASK_FINISHED)
        bench.ask(TaskKillAsked(FrameworkId(framework.id), TaskId("t2")))
        bench.acknowledge(framework, agent, "t1")
        self.assertEqual(differences(copy_of(bench.master.state), bench.master.state), [])
        other.break_link()
        bench.pass_time(605)
        self.assertEqual(differences(copy_of(bench.master.state), bench.master.state), [])
        framework.say(Teardown())
        self.assertEqual(differences(copy_of(bench.master.state), bench.master.state), [])

    def test_order(self) -> None:
        """Tables are in the same order: what is shown of a copy is byte for byte the same."""
        bench = Bench()
        for _ in range(3):
            bench.agent()
        framework = bench.framework()
        bench.allocate()
        state, copy = bench.master.state, copy_of(bench.master.state)
        for name in ("agents", "frameworks", "tasks", "offers"):
            self.assertEqual(list(getattr(copy, name)), list(getattr(state, name)), name)
        self.assertEqual(
            list(copy.load_of(framework.id).offers), list(state.load_of(framework.id).offers)
        )

    def test_after_storms(self) -> None:
        """What a simulated cluster has come to, too."""
        for seed in (3, 4):
            cluster = Cluster(seed, storm_s=20.0)
            report = cluster.run()
            self.assertEqual(report.faults, ())
            view = cluster.leader.feed.view
            self.assertEqual(differences(copy_of(view), view), [])
