"""One name for ever, and no start without it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import kills, registration
from mesostw.core.marathon.changes import RegistrationKept
from mesostw.core.marathon.events import (
    SchedulerDisconnected,
    SchedulerRegistered,
    SchedulerReregistered,
)
from mesostw.core.marathon.words import ReconcileDue, StepDown
from mesostw.core.outcome import Arm
from mesostw.core.scheduling import KillTask, Refused, Registered
from mesostw.messages.masters import MasterInfo
from mesostw.model.ids import FrameworkId
from tests.core.marathon.builders import World, app, instance

MASTER = MasterInfo(id="M", ip=1, port=5050, hostname="master.example")
HELLO = Registered(FrameworkId("M-0000"), MASTER)


class RegisteredTests(SynchronousTestCase):
    """A master knows us."""

    def setUp(self) -> None:
        self.world = World()

    def test_first(self) -> None:
        """The name is kept, the event stream told, the master asked soon."""
        self.world.run(registration.registered, HELLO)
        self.assertEqual(self.world.restarted().state.framework_id, "M-0000")
        self.assertTrue(self.world.live.registered)
        (told,) = self.world.told(SchedulerRegistered)
        self.assertEqual((told.framework_id, told.master), ("M-0000", "master.example"))
        self.assertEqual(self.world.did(Arm), [Arm(ReconcileDue(), 15.0)])
        self.assertEqual(self.world.did(StepDown), [])

    def test_again(self) -> None:
        """After a broken link it is told as a return; the name is kept again, as a fence."""
        self.world.run(registration.registered, HELLO)
        self.world.run(registration.lost)
        self.assertFalse(self.world.live.registered)
        self.assertEqual(len(self.world.told(SchedulerDisconnected)), 1)
        self.world.clear()
        self.world.run(registration.registered, HELLO)
        self.assertEqual(len(self.world.told(SchedulerReregistered)), 1)
        self.assertEqual(self.world.told(SchedulerRegistered), [])
        kept = [change for change in self.world.changes if isinstance(change, RegistrationKept)]
        self.assertEqual([one.registration.framework_id for one in kept], ["M-0000"])
        self.assertTrue(self.world.live.registered)

    def test_kills_are_said_again(self) -> None:
        """What was said before a link broke may be lost: it is said to the next at once."""
        self.world.run(registration.registered, HELLO)
        one = instance(app())
        self.world.add(app(), one)
        self.world.run(kills.kill, one, "no more")
        self.world.run(registration.lost)
        self.world.clear()
        self.world.run(registration.registered, HELLO)
        self.assertEqual([kill.task_id for kill in self.world.did(KillTask)], [one.task_id])

    def test_lost_before_it_was_there(self) -> None:
        """A link that breaks before we are known is no disconnection."""
        self.world.run(registration.lost)
        self.assertEqual(self.world.changes, [])

    def test_another_name(self) -> None:
        """A master that calls us otherwise would start everything again: we step down."""
        self.world.run(registration.registered, HELLO)
        again = self.world.restarted()
        again.run(registration.registered, Registered(FrameworkId("M-0001"), MASTER))
        (down,) = again.did(StepDown)
        self.assertIn("M-0001", down.reason)
        self.assertFalse(again.live.registered)
        self.assertEqual(again.state.framework_id, "M-0000")

    def test_kills_that_wait(self) -> None:
        """Kills that were decided without a master are said to it."""
        of = app()
        one = instance(of)
        self.world.add(of, one)
        self.world.run(kills.kill, one, "because")
        self.assertEqual(self.world.did(KillTask), [])
        self.world.run(registration.registered, HELLO)
        self.assertEqual(len(self.world.did(KillTask)), 1)


class StepDownTests(SynchronousTestCase):
    """Sometimes going on is worse."""

    def test_refused(self) -> None:
        """A master that will not have us is obeyed, and its words are passed on."""
        world = World()
        world.run(registration.registered, HELLO)
        world.run(registration.refused, Refused("Framework has been removed"))
        (down,) = world.did(StepDown)
        self.assertIn("Framework has been removed", down.reason)
        self.assertFalse(world.live.registered)

    def test_name_is_missing(self) -> None:
        """Instances without our name are reason not to begin; one of both is not."""
        of = app()
        world = World()
        world.run(registration.restored)
        self.assertEqual(world.did(StepDown), [])
        world.add(of, instance(of))
        again = world.restarted()
        again.run(registration.restored)
        (down,) = again.did(StepDown)
        self.assertIn("framework id", down.reason)
        world.run(registration.registered, HELLO)
        third = world.restarted()
        third.run(registration.restored)
        self.assertEqual(third.did(StepDown), [])
