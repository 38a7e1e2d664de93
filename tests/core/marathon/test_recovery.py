"""The next life goes on with what the last one kept."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import kills, recovery, registration
from mesostw.core.marathon.records import Condition
from mesostw.core.marathon.words import KillDue, StepDown
from mesostw.core.outcome import Arm
from mesostw.core.probes import StartProbe
from mesostw.core.scheduling import KillTask, Registered
from mesostw.model.apps import HealthCheck
from mesostw.model.ids import FrameworkId
from tests.core.marathon.builders import World, app, instance

HELLO = Registered(FrameworkId("M-0000"), None)


class RecoveryTests(SynchronousTestCase):
    """Instances run, are drained and are killed; then Marathon starts again."""

    def setUp(self) -> None:
        first = World()
        first.run(registration.registered, HELLO)
        self.app = app(health_checks=(HealthCheck(),), drain_delay_seconds=30)
        self.running = instance(self.app, number=1, ports=(31000,))
        self.drained = instance(self.app, number=2, ports=(31000,))
        self.killed = instance(self.app, Condition.STAGING, number=3, ports=(31000,))
        first.add(self.app, self.running, self.drained, self.killed)
        first.run(kills.kill, self.drained, "because")
        first.run(kills.kill, self.killed, "because")
        first.later(10)
        self.first = first

    def restored(self, store: Mapping[str, Struct]) -> World:
        """Another life with what was kept."""
        world = World(nonce=2)
        world.now = self.first.now
        world.run(recovery.restored, store.items())
        # What was kept is not written again.
        world.store.update(store)
        return world

    def test_same(self) -> None:
        """Everything is as it was, nothing is written, every app is looked at."""
        world = self.restored(self.first.store)
        self.assertEqual(world.state.instances, self.first.state.instances)
        self.assertEqual(world.state.apps, self.first.state.apps)
        self.assertEqual(world.state.framework_id, "M-0000")
        self.assertEqual([change for change in world.changes if change.write() is not None], [])
        self.assertIn(self.app.id, world.live.marked)
        self.assertEqual(world.did(StepDown), [])

    def test_goes_on(self) -> None:
        """What runs is asked for its health, what is drained waits on, kills are said again."""
        world = self.restored(self.first.store)
        self.assertEqual([start.spec.host for start in world.did(StartProbe)], ["n1"])
        self.assertEqual(world.did(Arm), [Arm(KillDue(self.drained.id), 20.0)])
        self.assertEqual(world.did(KillTask), [])
        world.run(registration.registered, HELLO)
        said = [kill.task_id for kill in world.did(KillTask)]
        self.assertEqual(said, [self.killed.task_id])

    def test_no_name(self) -> None:
        """Without the framework id nothing would be as it was: Marathon steps down."""
        store = {key: one for key, one in self.first.store.items() if "registration" not in key}
        self.assertEqual(len(self.restored(store).did(StepDown)), 1)
