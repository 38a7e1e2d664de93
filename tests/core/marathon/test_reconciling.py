"""The master is asked what it believes, a while after it is there and then regularly."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import reconciling
from mesostw.core.marathon.flags import RECONCILE_TASKS_MAX
from mesostw.core.marathon.records import Condition
from mesostw.core.marathon.words import ReconcileDue
from mesostw.core.outcome import Arm, Disarm
from mesostw.core.scheduling import ReconcileTasks
from tests.core.marathon.builders import World, app, instance


class ReconcilingTests(SynchronousTestCase):
    """Explicitly for all that is known, then implicitly."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True

    def test_times(self) -> None:
        """First 15 s after a master is there, then each ten minutes, not without a master."""
        self.world.run(reconciling.begun)
        self.world.run(reconciling.due)
        delays = [arm.delay_s for arm in self.world.did(Arm) if arm.timer == ReconcileDue()]
        self.assertEqual(delays, [15.0, 600.0])
        self.world.clear()
        self.world.run(reconciling.stopped)
        self.assertEqual(self.world.did(Disarm), [Disarm(ReconcileDue())])

    def test_no_master(self) -> None:
        """Without a master nobody is asked."""
        self.world.live.registered = False
        self.world.run(reconciling.due)
        self.assertEqual(self.world.effects, [])

    def test_all(self) -> None:
        """Every task with its agent, also one that is only provisioned; then everything."""
        of = app()
        conditions = (Condition.PROVISIONED, Condition.RUNNING, Condition.UNREACHABLE)
        those = [instance(of, c, n) for n, c in enumerate(conditions)]
        self.world.add(of, *those)
        self.world.run(reconciling.due)
        explicit, implicit = self.world.did(ReconcileTasks)
        self.assertEqual(explicit.tasks, {one.task_id: one.agent_id for one in those})
        self.assertEqual(implicit.tasks, {})

    def test_chunks(self) -> None:
        """No call names more than ``RECONCILE_TASKS_MAX`` tasks, and none is left out."""
        of = app()
        count = RECONCILE_TASKS_MAX + 1
        self.world.add(of, *(instance(of, number=number) for number in range(count)))
        self.world.run(reconciling.due)
        asked = [len(one.tasks) for one in self.world.did(ReconcileTasks)]
        self.assertEqual(asked, [RECONCILE_TASKS_MAX, 1, 0])
        named = {task for one in self.world.did(ReconcileTasks) for task in one.tasks}
        self.assertEqual(len(named), count)
