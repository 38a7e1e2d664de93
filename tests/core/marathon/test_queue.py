"""What is left to launch, and when offers are asked for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import flows, membership, offers, queue
from mesostw.core.marathon.changes import AppChanged, WaitingChanged
from mesostw.core.marathon.records import Waiting
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import ReviveDue
from mesostw.core.outcome import Arm
from mesostw.core.scheduling import ReviveOffers, SuppressOffers, UpdateRoles
from mesostw.model.apps import App
from tests.core.marathon.builders import STARTED, V1, V2, World, app
from tests.core.marathon.offering import master, offer, offered

REVIVED = [ReviveOffers(("*",))]


class WantedTests(SynchronousTestCase):
    """How many instances of an app wait."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        self.app = app()
        self.world.add(self.app)

    def test_waits(self) -> None:
        """The number stands for all that wait."""
        self.world.run(queue.wanted, self.app, 3)
        self.world.run(queue.wanted, self.app, 2)
        expected = Waiting(self.app.id, V1, V1, "*", 2, STARTED.wall)
        self.assertEqual(self.world.state.waiting, {self.app.id: expected})

    def test_again(self) -> None:
        """The same number again changes nothing."""
        self.world.run(queue.wanted, self.app, 3)
        self.world.clear()
        self.world.run(queue.wanted, self.app, 3)
        self.assertEqual((self.world.changes, self.world.effects), ([], []))

    def test_none(self) -> None:
        """With nothing left to launch nothing waits, and that is told once."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.clear()
        for _ in range(2):
            self.world.run(queue.wanted, self.app, 0)
        self.assertEqual(self.world.changes, [WaitingChanged(self.app.id, None)])
        self.assertEqual(self.world.live.launch.wishes, {})

    def test_since(self) -> None:
        """Waiting goes on when the number changes, and begins anew with a configuration."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.later(5)
        self.world.run(queue.wanted, self.app, 2)
        self.assertEqual(self.world.state.waiting[self.app.id].since, STARTED.wall)
        self.world.run(queue.wanted, app(version=V2), 2)
        self.assertEqual(self.world.state.waiting[self.app.id].since, STARTED.wall + 5)

    def test_counts_go_on(self) -> None:
        """What is known of offers is kept when only the number of instances changes."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.live.launch.wishes[self.app.id].did(1.0)
        for changed, processed in ((app(version=V2, config=V1), 1), (app(version=V2), 0)):
            self.world.run(queue.wanted, changed, 1)
            wish = self.world.live.launch.wishes[self.app.id]
            self.assertEqual((wish.app, wish.processed), (changed, processed))


class RevivalTests(SynchronousTestCase):
    """Offers are revived when something new waits, but not all the time."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        self.apps = [app("/a"), app("/b"), app("/c", role="web")]
        self.world.add(*self.apps)

    def _wanted(self, index: int, count: int = 1) -> None:
        self.world.run(queue.wanted, self.apps[index], count)

    def test_at_once(self) -> None:
        """The first wish revives at once, for its role."""
        self._wanted(2)
        self.assertEqual(self.world.effects, [ReviveOffers(("web",))])

    def test_together(self) -> None:
        """Wishes within the interval wait together for its end, which is armed for once."""
        self._wanted(0)
        self.world.clear()
        self.world.later(2)
        self._wanted(1)
        self._wanted(2)
        self.assertEqual(self.world.effects, [Arm(ReviveDue(), 3.0)])
        self.world.clear()
        self.world.later(3)
        self.world.run(offers.revive_due)
        self.assertEqual(self.world.effects, [ReviveOffers(("*", "web"))])

    def test_after_the_interval(self) -> None:
        """After the interval a wish revives at once again."""
        self._wanted(0)
        self.world.clear()
        self.world.later(5)
        self._wanted(1)
        self.assertEqual(self.world.effects, REVIVED)

    def test_fewer(self) -> None:
        """That fewer are wanted is no reason to revive."""
        self._wanted(0, 5)
        self.world.clear()
        self.world.later(9)
        self._wanted(0, 4)
        self.assertEqual(self.world.effects, [])

    def test_disconnected(self) -> None:
        """Without a master nothing is said; when one is there, what waits is asked for."""
        self.world.live.registered = False
        self._wanted(0)
        self.assertEqual(self.world.effects, [])
        self.world.live.registered = True
        self.world.run(offers.connected, master())
        self.assertEqual(self.world.did(ReviveOffers), REVIVED)

    def test_launched_meanwhile(self) -> None:
        """If nothing waits any more when the interval ends, nothing is revived."""
        self._wanted(0)
        self._wanted(1)
        self._wanted(0, 0)
        self._wanted(1, 0)
        self.world.run(offers.ticked)
        self.world.clear()
        self.world.later(5)
        self.world.run(offers.revive_due)
        self.assertEqual(self.world.effects, [])


def _joined(turn: Turn, wished: App) -> None:
    turn.change(AppChanged(wished))
    membership.followed(turn)


class SuppressionTests(SynchronousTestCase):
    """Roles in which nothing waits are offered nothing."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        self.world.live.roles = frozenset({"*", "web"})
        self.app = app()
        self.world.add(self.app)

    def test_nothing_waits(self) -> None:
        """What is wanted by nobody is suppressed, once."""
        for _ in range(2):
            self.world.run(offers.ticked)
        self.assertEqual(self.world.effects, [SuppressOffers(("*", "web"))])

    def test_one_waits(self) -> None:
        """Only roles in which nothing waits are suppressed."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.run(offers.ticked)
        self.assertEqual(self.world.did(SuppressOffers), [SuppressOffers(("web",))])

    def test_another_role(self) -> None:
        """Joining a role ends every suppression at the master: they are said again."""
        self.world.run(offers.ticked)
        self.world.clear()
        self.world.run(_joined, app("/b", role="db"))
        self.world.run(offers.ticked)
        self.assertEqual(
            self.world.effects,
            [UpdateRoles(("*", "db", "web")), SuppressOffers(("*", "db", "web"))],
        )

    def test_waits_again(self) -> None:
        """A wish ends the suppression of its role."""
        self.world.run(offers.ticked)
        self.world.clear()
        self.world.run(queue.wanted, self.app, 1)
        self.world.run(offers.ticked)
        self.assertEqual(self.world.effects, REVIVED)

    def test_last_launch(self) -> None:
        """Some time after the last launch the role is suppressed: more might have been wanted."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.run(offers.ticked)
        self.world.clear()
        self.world.run(offers.offered, offered(offer()))
        self.world.later(flows.WARM_S - 0.1)
        self.world.run(offers.ticked)
        self.assertEqual(self.world.did(SuppressOffers), [])
        self.world.later(0.1)
        self.world.run(offers.ticked)
        self.assertEqual(self.world.did(SuppressOffers), [SuppressOffers(("*",))])

    def test_new_master(self) -> None:
        """A master that knows us anew has suppressed nothing."""
        self.world.run(offers.ticked)
        self.world.clear()
        self.world.run(offers.connected, master())
        self.assertEqual(self.world.effects, [SuppressOffers(("*", "web"))])
