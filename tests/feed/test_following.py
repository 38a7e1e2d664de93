"""A copy in another process: whole, in order, and honest about how late it is."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.bus.dial import Dialer
from mesostw.bus.doorway import Doorway
from mesostw.bus.exchange import Exchange
from mesostw.core.master.changes import (
    AgentChanged,
    FrameworkRemoved,
    TaskChanged,
    TaskRemoved,
)
from mesostw.core.master.state import ClusterState
from mesostw.core.outcome import LinkCrowded, LinkEased
from mesostw.feed import publishing
from mesostw.feed.changes import Feed
from mesostw.feed.following import AGAIN_MAX_S, SILENT_S, STALE_S, Following, behind
from mesostw.feed.publishing import FLUSH_S, FRAME_CHANGES_MAX, Publishing
from mesostw.interfaces import Freshness, IFollower, IInbox
from mesostw.messages.followers import Follow, MasterShown
from mesostw.testing.checkers import differences
from mesostw.testing.clock import HeapClock
from mesostw.testing.network import MemoryNetwork
from mesostw.testing.recorders import RecordingInbox
from tests.http.world import FINISHED, agent, framework, small_cluster, task


class Leader:
    """A master as far as followers see it, on the host of its name."""

    def __init__(self, world: World, name: str, epoch: int, changes_max: int = 50_000) -> None:
        self.feed: Feed[Any, Any] = Feed(ClusterState(), name, changes_max)
        self.exchange = Exchange(world.clock, "master", ("follower",))
        self.core = RecordingInbox()
        self.exchange.inbox = self.core
        self.shown = MasterShown(id=name, ip="10.0.0.1", port=5050, hostname=name, started=1.0)
        self.publishing = Publishing(self.feed, self.exchange, world.clock, lambda: self.shown)
        self.exchange.inboxes["follower"] = self.publishing
        self.feed.begin(epoch)
        world.network.listen(name, Doorway(self.exchange))


class World:
    """A network with leaders, and masters that wait."""

    def __init__(self) -> None:
        self.clock = HeapClock()
        self.network = MemoryNetwork(self.clock, Random(1))

    def standby(self, name: str) -> Following:
        """One that follows nobody yet."""
        exchange = Exchange(self.clock, "follower", forwards=False)
        dialer = Dialer(self.clock, exchange, Random(2), self.network.endpoint_from(name))
        feed: Feed[Any, Any] = Feed(ClusterState(), name)
        feed.begin(1)
        made = Following(feed, self.clock, exchange, dialer, Random(3))
        exchange.inbox = made
        return made


class FollowingTestCase(SynchronousTestCase):
    """One leader, ``one``, with a small cluster; one standby."""

    def setUp(self) -> None:
        self.world = World()
        self.clock = self.world.clock
        self.leader = Leader(self.world, "one", 1)
        self.leader.feed.publish(small_cluster())
        self.standby = self.world.standby("two")

    def follow(self, address: str | None = "one:5050") -> None:
        self.standby.lead(address)
        self.clock.advance(0.5)

    def publish(self, *changes: object) -> None:
        self.leader.feed.publish(changes)

    def assert_same(self, leader: Leader | None = None) -> None:
        of = leader or self.leader
        self.assertEqual(differences(self.standby.feed.view, of.feed.view), [])

    def freshness(self) -> Freshness:
        found = self.standby.freshness()
        assert found is not None
        return found


class CopyTests(FollowingTestCase):
    """What the copy has, and how it comes to have it."""

    def test_provides(self) -> None:
        """Both sides are inboxes, and the leader's is a follower of its feed."""
        verifyObject(IInbox, self.standby)
        verifyObject(IInbox, self.leader.publishing)
        verifyObject(IFollower, self.leader.publishing)

    def test_whole_and_then_in_order(self) -> None:
        """A copy of all that is there, then every change; the core hears of nobody."""
        self.assertIsNone(self.standby.freshness())
        self.follow()
        self.assert_same()
        self.assertEqual(self.standby.master, self.leader.shown)
        self.publish(AgentChanged(agent(2)), TaskChanged(task(3)))
        self.publish(TaskRemoved(task(3, FINISHED)), FrameworkRemoved(framework(2)))
        self.clock.advance(FLUSH_S + 0.01)
        self.assert_same()
        self.assertEqual((self.standby.copies, self.standby.changes), (1, 4))
        self.assertEqual(self.leader.core.told, [])

    def test_many_parts(self) -> None:
        """A large state comes in parts, while changes go on; nothing is lost between."""
        self.publish(*(AgentChanged(agent(number)) for number in range(FRAME_CHANGES_MAX * 3)))
        self.standby.lead("one:5050")
        for number in range(40):
            self.clock.advance(0.001)
            self.publish(TaskChanged(task(10 + number)))
        self.clock.advance(1)
        self.assert_same()
        self.assertEqual(self.standby.copies, 1)
        self.assertGreater(self.standby.changes, 0)

    def test_large_parts_are_cut(self) -> None:
        """What does not fit a frame comes in several; each part is asked for once."""
        self.patch(publishing, "PACKED_BYTES_MAX", 2_000)
        self.publish(*(AgentChanged(agent(number)) for number in range(2_500)))
        self.follow()
        self.assert_same()
        self.publish(*(AgentChanged(agent(number, version="2")) for number in range(100)))
        self.clock.advance(1)
        self.assert_same()
        self.assertEqual(self.standby.ends, 0)

    def test_one_packing_for_all(self) -> None:
        """Ten followers cost one packing of what changes."""
        others = [self.world.standby(f"s{number}") for number in range(9)]
        for one in (self.standby, *others):
            one.lead("one:5050")
        self.clock.advance(0.5)
        self.publish(*(TaskChanged(task(number)) for number in range(10, 30)))
        self.clock.advance(1)
        self.assertEqual(self.leader.publishing.packed, 20)
        self.assertEqual(self.leader.publishing.followers, 10)
        for one in others:
            self.assertEqual(differences(one.feed.view, self.leader.feed.view), [])

    def test_resumes(self) -> None:
        """A link that broke for a while costs what was missed, and no copy."""
        self.follow()
        self.world.network.break_one(0.0)
        self.publish(TaskChanged(task(7)))
        self.clock.advance(2)
        self.assert_same()
        self.assertEqual((self.standby.copies, self.standby.ends), (1, 1))

    def test_another_leader(self) -> None:
        """Its copy replaces the first one, as it is; who watches is told of the difference."""
        self.follow()
        told: list[tuple[int, Sequence[object]]] = []

        class Watcher:
            """Notes what it hears."""

            def changed(self, seq: int, changes: Sequence[object]) -> None:
                told.append((seq, changes))

        self.standby.feed.follow(Watcher())  # type: ignore[arg-type]
        before = self.standby.feed.seq
        other = Leader(self.world, "three", 2)
        other.feed.publish([AgentChanged(agent(9))])
        self.follow("three:5050")
        self.assert_same(other)
        self.assertEqual(self.standby.master, other.shown)
        self.assertGreater(self.standby.feed.seq, before)
        self.assertIsNone(self.standby.feed.since(self.standby.feed.epoch, before))
        self.assertTrue(told)
        self.assertEqual(self.leader.publishing.followers, 0)


class StormTests(SynchronousTestCase):
    """Links that break, peers that stand still, leaders that change, at random times."""

    def test_seeds(self) -> None:
        """Whatever happens: at the calm the copy is the leader's state, and fresh."""
        for seed in range(40):
            self.storm(Random(seed))

    def storm(self, chance: Random) -> None:
        world = World()
        leaders = [Leader(world, name, 1, changes_max=200) for name in ("one", "three")]
        standby = world.standby("two")
        leading = leaders[0]
        for step in range(120):
            match chance.randrange(12):
                case 0:
                    world.network.break_one(chance.uniform(0, 3))
                case 1:
                    world.network.freeze("two")
                case 2 | 3:
                    world.network.thaw("two")
                case 4:
                    leading = chance.choice(leaders)
                    standby.lead(f"{leading.feed.epoch.split('-')[0]}:5050")
                case 5:
                    standby.lead(None)
                case _:
                    some = [
                        AgentChanged(agent(chance.randrange(50), version=str(step)))
                        for _ in range(chance.randrange(60))
                    ]
                    chance.choice(leaders).feed.publish([*some, TaskChanged(task(step))])
            world.clock.advance(chance.uniform(0, 0.3))
        world.network.thaw("two")
        standby.lead(f"{leading.feed.epoch.split('-')[0]}:5050")
        # A silent link is noticed after a while; whoever failed often waits for up to a minute.
        world.clock.advance(150)
        self.assertEqual(differences(standby.feed.view, leading.feed.view), [])
        found = standby.freshness()
        assert found is not None
        self.assertTrue(found.is_fresh)


class LagTests(FollowingTestCase):
    """How late the copy is, and that it says so."""

    def test_fresh(self) -> None:
        """While the leader answers the copy is at most a question and an answer behind."""
        self.follow()
        for _ in range(20):
            self.clock.advance(0.37)
            self.assertTrue(self.freshness().is_fresh)
            self.assertLess(self.freshness().lag_s, 1.1)
            self.assertEqual(behind(self.freshness()), 0)
        self.assertEqual(self.freshness().leader, "one:5050")

    def test_leader_dies(self) -> None:
        """The copy stays, older and older; nothing of it is shown as fresh."""
        self.follow()
        self.world.network.crash("one")
        self.clock.advance(STALE_S + 2)
        self.assertFalse(self.freshness().is_fresh)
        self.assertGreater(self.freshness().lag_s, STALE_S)
        self.assertEqual(len(self.standby.feed.view.agents), 1)

    def test_nobody_leads(self) -> None:
        """A copy of who leads no more is stale at once."""
        self.follow()
        self.follow(None)
        self.assertFalse(self.freshness().is_fresh)
        self.follow()
        self.assertTrue(self.freshness().is_fresh)

    def test_leader_that_stands_still(self) -> None:
        """Silence is no link: after a while it is dialled anew, and the copy goes on."""
        self.follow()
        self.world.network.freeze("one")
        self.clock.advance(STALE_S + 3)
        self.assertFalse(self.freshness().is_fresh)
        self.publish(TaskChanged(task(7)))
        # The new link is none of those that stand still.
        self.clock.advance(SILENT_S + 10)
        self.assertTrue(self.freshness().is_fresh)
        self.assert_same()

    def test_shown_at_transitions_only(self) -> None:
        """A page that shows the lag is not made anew while nothing is to be shown."""
        self.follow()
        self.clock.advance(1.5)
        seq = self.standby.feed.seq
        self.clock.advance(30)
        self.assertEqual(self.standby.feed.seq, seq)
        self.world.network.crash("one")
        self.clock.advance(STALE_S + 2)
        self.assertGreater(self.standby.feed.seq, seq)
        seq = self.standby.feed.seq
        self.clock.advance(100)
        self.assertEqual(self.standby.feed.seq, seq)


class LimitTests(FollowingTestCase):
    """Nobody's slowness, and nobody's nonsense, costs the leader much."""

    def link(self) -> Any:
        return next(iter(self.leader.exchange.links))

    def test_crowded_and_eased(self) -> None:
        """Who does not read is told nothing, then the rest; its lag shows meanwhile."""
        self.follow()
        self.leader.publishing.tell([LinkCrowded(self.link())])
        self.publish(TaskChanged(task(7)))
        self.clock.advance(STALE_S + 2)
        self.assertEqual(self.leader.publishing.packed, 0)
        self.assertFalse(self.freshness().is_fresh)
        self.leader.publishing.tell([LinkEased(self.link())])
        self.clock.advance(1)
        self.assert_same()
        self.assertTrue(self.freshness().is_fresh)

    def test_too_far_behind(self) -> None:
        """Who is behind all that is remembered is hung up on, and begins anew."""
        self.leader = Leader(self.world, "one", 1, changes_max=10)
        self.follow()
        self.leader.publishing.tell([LinkCrowded(self.link())])
        self.publish(*(AgentChanged(agent(number)) for number in range(20)))
        self.leader.publishing.tell([LinkEased(self.link())])
        self.clock.advance(3)
        self.assert_same()
        self.assertEqual((self.standby.copies, self.standby.ends), (2, 1))

    def test_what_cannot_be_read(self) -> None:
        """A leader whose words are of no use is asked ever more rarely."""
        self.patch(publishing, "pack", lambda changes: b"\xc1")
        self.standby.lead("one:5050")
        self.clock.advance(600)
        self.assertIsNone(self.standby.freshness())
        self.assertLess(self.leader.publishing.copies, 600 / AGAIN_MAX_S * 2 + 10)
        self.assertGreater(self.leader.publishing.copies, 3)

    def test_out_of_place(self) -> None:
        """Whoever asks twice where it stands is hung up on."""
        self.follow()
        self.standby._exchange.send(next(iter(self.standby._exchange.links)), [Follow()])
        self.clock.advance(0.1)
        self.assertEqual(self.standby.ends, 1)

    def test_too_many(self) -> None:
        """There is a limit on followers."""
        self.patch(publishing, "FOLLOWERS_MAX", 1)
        self.follow()
        other = self.world.standby("other")
        other.lead("one:5050")
        self.clock.advance(5)
        self.assertIsNone(other.freshness())
        self.assert_same()

    def test_stop(self) -> None:
        """Nothing is armed any more, on either side."""
        self.follow()
        self.standby.stop()
        self.leader.publishing.stop()
        self.publish(TaskChanged(task(7)))
        self.clock.advance(10)
        self.assertEqual(self.clock.getDelayedCalls(), [])
