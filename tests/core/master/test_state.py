"""The tables that changes are folded into."""

from __future__ import annotations

import gc
from weakref import ref

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.state import ClusterState
from mesostw.core.master.words import TaskKillAsked
from mesostw.messages.scheduler_calls import Teardown
from mesostw.messages.tasks import TaskState
from mesostw.model.ids import FrameworkId, TaskId
from tests.core.master.builders import Bench, executor_info, launch, task_info


class FoldTests(SynchronousTestCase):
    """Whoever folds the changes has the same tables."""

    def test_second_state(self) -> None:
        """A view that folds every change is equal to the core's own state."""
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
        other.break_link()
        bench.pass_time(605)
        self.assert_same(bench)
        framework.say(Teardown())
        self.assert_same(bench)

    def test_gone_when_nobody_has_it(self) -> None:
        """A state is in no circle: a daemon that replaces one does not wait for a collection."""
        view = ClusterState()
        watch = ref(view)
        gc.disable()
        self.addCleanup(gc.enable)
        del view
        self.assertIsNone(watch())

    def assert_same(self, bench: Bench) -> None:
        own, view = bench.master.state, ClusterState()
        for change in bench.changes:
            view.apply(change)
        for table in (
            "agents",
            "frameworks",
            "completed_frameworks",
            "tasks",
            "offers",
            "executors",
            "kills",
            "weights",
            "states",
            "ended",
            "unreachable",
        ):
            self.assertEqual(getattr(view, table), getattr(own, table), table)
        for agent_id, load in own.agent_loads.items():
            folded = view.agent_loads[agent_id]
            self.assertEqual(
                (load.used, load.offered, load.tasks, load.offers, load.executors),
                (folded.used, folded.offered, folded.tasks, folded.offers, folded.executors),
            )
        for framework_id, own_load in own.framework_loads.items():
            folded_load = view.framework_loads[framework_id]
            for name in own_load.__slots__:
                self.assertEqual(getattr(own_load, name), getattr(folded_load, name), name)
