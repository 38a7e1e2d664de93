"""What sessions, links and watches of :class:`~mesostw.interfaces.IZooKeeper` promise."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from mesostw.model.zookeeper import (
    ConnectionLost,
    Create,
    Delete,
    Happening,
    NodeExists,
    NoNode,
    NotConnected,
    SessionExpired,
    SessionState,
    SetData,
    Watched,
)
from mesostw.testing.contracts.zookeeper import CONNECTED, EXPIRED, SUSPENDED, ContractCase


class WatchContract(ContractCase):
    """Watches."""

    def test_once(self) -> None:
        """A watch is told once, of what happened, also if the node was not there."""
        client = self.open()
        told = client.watched.append
        self.assertIsNone(self.result(client.exists("/w", told)))
        self.result(client.create("/w"))
        self.caught_up(client)
        self.assertEqual(client.watched, [Watched(Happening.CREATED, "/w")])
        self.result(client.get("/w", told))
        self.result(client.set("/w", b"1"))
        self.result(client.set("/w", b"2"))
        self.caught_up(client)
        self.assertEqual(client.watched[1:], [Watched(Happening.CHANGED, "/w")])
        self.result(client.children("/w", told))
        self.result(client.create("/w/a"))
        self.result(client.create("/w/b"))
        self.caught_up(client)
        self.assertEqual(client.watched[2:], [Watched(Happening.CHILDREN, "/w")])

    def test_removal(self) -> None:
        """Whoever watches a node or its children hears that it is removed, each once."""
        client = self.open()
        told: list[tuple[int, Happening]] = []
        self.result(client.create("/w"))
        self.result(client.get("/w", lambda event: told.append((1, event.kind))))
        self.result(client.exists("/w", lambda event: told.append((2, event.kind))))
        self.result(client.children("/w", lambda event: told.append((3, event.kind))))
        self.result(client.children("/", lambda event: told.append((4, event.kind))))
        self.result(client.delete("/w"))
        self.caught_up(client)
        gone = Happening.DELETED
        self.assertEqual(told, [(1, gone), (2, gone), (3, gone), (4, Happening.CHILDREN)])

    def test_failed_read(self) -> None:
        """A read that fails watches nothing."""
        client = self.open()
        self.fault(client.get("/w", client.watched.append), NoNode)
        self.fault(client.children("/w", client.watched.append), NoNode)
        self.result(client.create("/w"))
        self.result(client.create("/w/a"))
        self.caught_up(client)
        self.assertEqual(client.watched, [])

    def test_before_news(self) -> None:
        """A watch is told before any read shows what it is told of."""
        reader, writer = self.open("a"), self.open("b")
        self.result(reader.create("/w", b"0"))
        for number in range(1, 20):
            seen: list[object] = []
            self.result(reader.get("/w", lambda _: seen.append("told")))  # noqa: B023
            for _ in range(10):
                _ = reader.get("/w").addCallback(lambda found: seen.append(found[0]))  # noqa: B023
            written = writer.set("/w", b"%d" % number)
            while seen[-1:] != [b"%d" % number]:
                _ = reader.get("/w").addCallback(lambda found: seen.append(found[0]))  # noqa: B023
                self.world.pass_time(None, 0.002)
            self.result(written)
            self.result(reader.sync())
            self.assertLess(seen.index("told"), seen.index(b"%d" % number))

    def test_own_change(self) -> None:
        """One's own change is told before its answer."""
        client = self.open()
        self.result(client.create("/w"))
        heard: list[str] = []
        self.result(client.get("/w", lambda event: heard.append(event.kind)))
        _ = client.set("/w", b"1").addCallback(lambda _: heard.append("answer"))
        self.caught_up(client)
        self.assertEqual(heard, ["changed", "answer"])

    def test_transaction(self) -> None:
        """A transaction tells everything it does, in order."""
        client, writer = self.open("a"), self.open("b")
        self.result(client.create("/w"))
        for path in ("/w", "/w/a"):
            self.result(client.exists(path, client.watched.append))
        self.result(client.children("/w", client.watched.append))
        self.result(writer.multi([Create("/w/a"), SetData("/w", b"1"), Delete("/w/a")]))
        self.caught_up(client)
        self.assertEqual(
            client.watched,
            [
                Watched(Happening.CREATED, "/w/a"),
                Watched(Happening.CHILDREN, "/w"),
                Watched(Happening.CHANGED, "/w"),
            ],
        )

    def test_faulty_watch(self) -> None:
        """What a watch raises is logged, and whoever comes after it is told."""
        client = self.open()
        self.result(client.create("/w"))

        def faulty(_: Watched) -> None:
            raise ZeroDivisionError

        self.result(client.get("/w", faulty))
        self.result(client.get("/w", client.watched.append))
        self.result(client.set("/w", b""))
        self.caught_up(client)
        self.assertEqual(len(client.watched), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class SessionContract(ContractCase):
    """Links, sessions and their ends."""

    def test_ephemeral(self) -> None:
        """An ephemeral node names its session, and goes at once when that is closed."""
        client, other = self.open("a"), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.result(client.create("/stays"))
        stat = self.result(other.exists("/e", other.watched.append))
        self.assertEqual(stat.ephemeral_owner, client.session_id)
        self.result(client.close())
        self.caught_up(other)
        self.assertEqual(other.watched, [Watched(Happening.DELETED, "/e")])
        self.assertIsNone(self.result(other.exists("/e")))
        self.assertIsNotNone(self.result(other.exists("/stays")))
        self.assertEqual(client.states, [])
        self.assertEqual(client.state, EXPIRED)

    def test_closing(self) -> None:
        """A session ends after what was asked before; what is asked later is not done."""
        client, other = self.open("a"), self.open("b")
        fired: list[str] = []
        for name in ("/1", "/2"):
            _ = client.create(name).addCallback(fired.append)
        self.result(client.exists("/x", client.watched.append))
        closing = client.close()
        late = client.create("/3")
        again = client.close()
        _ = closing.addCallback(lambda _: fired.append("closed"))
        _ = late.addErrback(lambda failure: fired.append(failure.type.__name__))
        self.result(again)
        self.result(closing)
        self.assertEqual(fired, ["/1", "/2", "SessionExpired", "closed"])
        self.fault(client.create("/4"), SessionExpired)
        self.assertEqual(client.watched, [Watched(Happening.LOST, "/x")])
        self.assertEqual(self.result(other.exists("/3")), None)
        self.result(client.close())

    def test_link_lost(self) -> None:
        """A lost link is no lost session: it comes back with everything but its watches."""
        client = self.open()
        self.result(client.create("/e", ephemeral=True))
        self.result(client.exists("/e", client.watched.append))
        number = client.session_id
        self.world.refuse("a", True)
        self.world.cut("a")
        self.until_told(client, SUSPENDED)
        self.fault(client.get("/e"), NotConnected)
        self.until(lambda: client.watched == [Watched(Happening.LOST, "/e")])
        self.world.refuse("a", False)
        self.until_told(client, SUSPENDED, CONNECTED)
        self.assertEqual(client.session_id, number)
        self.assertIsNotNone(self.result(client.exists("/e")))
        self.assertEqual(len(client.watched), 1)

    def test_lost_before_effect(self) -> None:
        """What never reached the ensemble fails as unknown, and was not done."""
        client, other = self.open("a"), self.open("b")
        self.world.silence("a", True)
        lost = [client.create("/1"), client.create("/2")]
        fired: list[str] = []
        for one in lost:
            _ = one.addErrback(lambda failure: fired.append(failure.type.__name__))
        self.world.pass_time(None, 0.1)
        self.world.cut("a")
        self.world.silence("a", False)
        self.until(lambda: client.states[:1] == [SUSPENDED])
        self.assertEqual(fired, ["ConnectionLost", "ConnectionLost"])
        self.until(lambda: client.state is CONNECTED)
        self.assertIsNone(self.result(other.exists("/1")))
        self.result(client.create("/1"))

    def test_lost_after_effect(self) -> None:
        """What was done and not answered fails as unknown too."""
        client, other = self.open("a"), self.open("b")
        self.world.lose_answers("a")
        lost = client.create("/1", b"done")
        self.until(lambda: self.result(other.exists("/1")) is not None)
        self.assertNoResult(lost)
        self.world.cut("a")
        self.assertEqual(self.fault(lost, ConnectionLost).path, "/1")
        self.until(lambda: client.state is CONNECTED)
        self.fault(client.create("/1"), NodeExists)

    def test_silent_link(self) -> None:
        """A link that is silent is noticed well before the session's time is over."""
        client = self.open(timeout_s=2.0)
        self.world.silence("a", True)
        lost = client.get("/")
        self.until(lambda: client.states == [SUSPENDED], 2.0)
        self.fault(lost, ConnectionLost)
        self.world.cut("a")
        self.world.silence("a", False)
        self.until(lambda: len(client.states) > 1)

    def test_silent_link_in_use(self) -> None:
        """A silent link is noticed as soon by who keeps asking."""
        client = self.open(timeout_s=2.0)
        self.world.silence("a", True)
        for _ in range(100):
            if client.states:
                break
            _ = client.exists("/").addErrback(lambda _: None)
            self.world.pass_time(None, 0.02)
        self.assertEqual(client.states, [SUSPENDED])
        self.world.cut("a")
        self.world.silence("a", False)
        self.until(lambda: len(client.states) > 1)

    def test_expiry(self) -> None:
        """A session that the ensemble has ended is over for good; a new one is another."""
        client, other = self.open("a"), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.result(other.exists("/e", other.watched.append))
        number = client.session_id
        self.world.expire(client.session)
        self.until_told(client, SUSPENDED, EXPIRED)
        self.fault(client.get("/"), SessionExpired)
        self.until(lambda: other.watched == [Watched(Happening.DELETED, "/e")])
        again = self.open("a")
        self.assertNotEqual(again.session_id, number)
        self.world.pass_time(None, 0.5)
        self.assertEqual(client.states, [SUSPENDED, EXPIRED])

    def test_given_up(self) -> None:
        """Without a link for its whole time a session has expired, whoever can be asked."""
        client, other = self.open("a", timeout_s=1.0), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.world.refuse("a", True)
        self.world.cut("a")
        self.until_told(client, SUSPENDED, EXPIRED)
        self.world.refuse("a", False)
        self.until(lambda: self.result(other.exists("/e")) is None)
        self.fault(client.get("/"), SessionExpired)

    def test_silent_for_good(self) -> None:
        """Who hears nothing any more knows by its own clock that its session has ended."""
        client, other = self.open("a", timeout_s=1.0), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.world.silence("a", True)
        self.until_told(client, SUSPENDED, EXPIRED)
        self.until(lambda: self.result(other.exists("/e")) is None)
        self.fault(client.get("/"), SessionExpired)
        self.world.cut("a")
        self.world.silence("a", False)
        self.world.pass_time(None, 0.5)
        self.assertEqual(client.states, [SUSPENDED, EXPIRED])

    def test_closed_without_link(self) -> None:
        """Closing does not wait for a link; the listener hears nothing more."""
        client = self.open()
        self.world.refuse("a", True)
        self.world.cut("a")
        self.until_told(client, SUSPENDED)
        self.result(client.close())
        self.world.refuse("a", False)
        self.world.pass_time(None, 0.5)
        self.assertEqual(client.states, [SUSPENDED])

    def test_quiet_session_lives(self) -> None:
        """A session that nobody uses is kept alive."""
        client, other = self.open("a", timeout_s=2.0), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.world.pass_time(None, 4.5)
        self.assertIsNotNone(self.result(other.exists("/e")))
        self.assertEqual(client.states, [])

    def test_taken_back(self) -> None:
        """What is cancelled before it was sent is not done; nothing else is disturbed."""
        client = self.open()
        before, cancelled, after = (client.create(path) for path in ("/1", "/2", "/3"))
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.assertEqual((self.result(before), self.result(after)), ("/1", "/3"))
        self.assertIsNone(self.result(client.exists("/2")))

    def test_nobody_waits(self) -> None:
        """What is cancelled later may be done, and its watch is not told."""
        client = self.open()
        self.world.lose_answers("a")
        cancelled = client.exists("/w", client.watched.append)
        self.world.pass_time(None, 0.05)
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.world.cut("a")
        self.until(lambda: client.state is CONNECTED and bool(client.states))
        self.result(client.create("/w"))
        self.caught_up(client)
        self.assertEqual(client.watched, [])

    def test_connecting(self) -> None:
        """Connecting goes on until there is somebody; what is cancelled opens nothing."""
        self.world.refuse("a", True)
        ensemble = self.world.ensemble("a", root="/r")
        states: list[SessionState] = []
        waiting, cancelled = ensemble.connect(states.append), ensemble.connect(states.append)
        self.world.pass_time(None, 0.3)
        self.assertNoResult(waiting)
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.world.refuse("a", False)
        session = self.result(waiting)
        self.assertEqual(session.state, CONNECTED)
        self.result(session.close())
        self.assertEqual(states, [])
