"""What a link and its exchange promise, whatever carries the bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from zope.interface.verify import verifyObject

from mesostw.bus.exchange import Exchange
from mesostw.core.outcome import Heard, LinkClosed, LinkOpened, Route, Unroute
from mesostw.interfaces import IExchange
from mesostw.messages.agent_master import Ping, Pong
from mesostw.messages.executor_events import Message as ToExecutor
from mesostw.messages.scheduler_events import Error
from mesostw.model.ids import LinkId, RouteId
from mesostw.testing.recorders import RecordingInbox

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = object

#: A message that is larger than any buffer on its way.
LARGE: Final = Error(message="x" * 300_000)


class LinkContract(Base):
    """
    Mix into a ``SynchronousTestCase``.

    The provider dials from ``here`` to ``there`` and carries bytes when asked to.
    """

    def exchange(self, role: str, welcomes: Sequence[str] = (), *, forwards: bool) -> Exchange:
        """An exchange of the provider's clock, with a recording inbox."""
        raise NotImplementedError

    def dial(self, here: Exchange, there: Exchange) -> None:
        """Let ``here`` dial ``there``, once."""
        raise NotImplementedError

    def settle(self) -> None:
        """Carry all bytes until nothing moves any more."""
        raise NotImplementedError

    def sever(self) -> None:
        """Break every connection, and have both ends notice."""
        raise NotImplementedError

    def inbox(self, exchange: Exchange) -> RecordingInbox:
        """What an exchange of this test tells."""
        assert isinstance(exchange.inbox, RecordingInbox)
        return exchange.inbox

    def join(self) -> tuple[Exchange, Exchange]:
        """An agent that has dialled a master."""
        agent = self.exchange("agent", forwards=True)
        master = self.exchange("master", ("agent", "framework"), forwards=True)
        agent.id, master.id, master.epoch = "S1", "M1", 7
        verifyObject(IExchange, master)
        self.dial(agent, master)
        self.settle()
        return agent, master

    def test_hello(self) -> None:
        """Both ends are told once who the other is."""
        agent, master = self.join()
        (at_master,), (at_agent,) = self.inbox(master).opened(), self.inbox(agent).opened()
        self.assertEqual((at_master.role, at_master.peer), ("agent", "S1"))
        self.assertEqual((at_agent.role, at_agent.peer), ("master", "M1"))

    def test_order_both_ways(self) -> None:
        """What is said is heard whole, once and in order, large and small, both ways."""
        agent, master = self.join()
        said = [Error(message=str(n)) if n % 10 else LARGE for n in range(100)]
        for start in range(0, 100, 7):
            agent.send(LinkId(1), said[start : start + 7])
            master.send(LinkId(1), said[start : start + 7])
        self.settle()
        self.assertEqual(self.inbox(master).messages(), said)
        self.assertEqual(self.inbox(agent).messages(), said)

    def test_close_sends_first(self) -> None:
        """What was said before a close is heard; then both ends are told, once."""
        agent, master = self.join()
        master.send(LinkId(1), [Ping(), LARGE])
        master.close(LinkId(1), "enough")
        master.close(LinkId(1), "enough")
        self.settle()
        self.assertEqual(self.inbox(agent).messages(), [Ping(), LARGE])
        for side in (agent, master):
            self.assertEqual(len(self.inbox(side).closed()), 1)
            self.assertEqual(dict(side.links), {})
        self.assertEqual(self.inbox(master).closed(), [LinkClosed(LinkId(1), "enough")])

    def test_said_to_nobody(self) -> None:
        """Speaking to, closing or ending what is gone is no error and tells nobody."""
        _, master = self.join()
        self.sever()
        told = len(self.inbox(master).told)
        master.send(LinkId(1), [Ping()])
        master.send(LinkId(99), [Ping()])
        master.close(LinkId(1), "again")
        master.ended(LinkId(1), "again")
        master.heard(LinkId(1), [Pong()])
        self.settle()
        self.assertEqual(len(self.inbox(master).told), told)

    def test_severed(self) -> None:
        """When a connection breaks both ends are told, and after that nothing else."""
        agent, master = self.join()
        agent.send(LinkId(1), [Pong()])
        self.settle()
        self.sever()
        self.assertIsInstance(self.inbox(master).told[-1], LinkClosed)
        self.assertIsInstance(self.inbox(agent).told[-1], LinkClosed)

    def test_numbers_are_never_used_twice(self) -> None:
        """A peer that comes back is another link."""
        agent, master = self.join()
        self.sever()
        self.dial(agent, master)
        self.settle()
        self.assertEqual([one.link for one in self.inbox(master).opened()], [1, 2])

    def test_bad_role(self) -> None:
        """A role that is of no use is told so and sent away; the core never hears of it."""
        stranger, master = (
            self.exchange("guest", forwards=False),
            self.exchange("master", ("agent",), forwards=True),
        )
        self.dial(stranger, master)
        self.settle()
        self.assertEqual((self.inbox(master).told, self.inbox(stranger).told), ([], []))

    def routed(self, route: int, target_route: int) -> tuple[Exchange, Exchange, Exchange]:
        """A framework and an agent at a master that passes on between them."""
        agent, master = self.join()
        framework = self.exchange("framework", forwards=False)
        self.dial(framework, master)
        self.settle()
        master.route(Route(LinkId(2), RouteId(route), LinkId(1), RouteId(target_route)))
        agent.forwards = False
        return framework, master, agent

    def test_routes(self) -> None:
        """A frame with a route is passed on unread, in order, under the target's number."""
        for route, target_route in ((5, 5), (5, 9)):
            framework, master, agent = self.routed(route, target_route)
            said = [ToExecutor(data=bytes([n]) * 1000) for n in range(50)]
            framework.send_on(LinkId(1), route, said[:20])
            framework.send_on(LinkId(1), route, said[20:])
            self.settle()
            self.assertEqual(self.inbox(agent).messages(), said)
            self.assertEqual(self.inbox(master).messages(), [])
            self.assertEqual(master.forwarded, 50)

    def test_other_links_routes(self) -> None:
        """Nobody can use a route that was opened for another link."""
        framework, master, agent = self.routed(5, 5)
        thief = self.exchange("framework", forwards=False)
        self.dial(thief, master)
        self.settle()
        thief.send_on(LinkId(1), 5, [ToExecutor(data=b"stolen")])
        framework.send_on(LinkId(1), 6, [ToExecutor(data=b"never opened")])
        self.settle()
        self.assertEqual(self.inbox(agent).messages(), [])
        self.assertEqual(master.void, 2)

    def test_route_ends(self) -> None:
        """A route is void when the core says so, and when either link has ended."""
        ends: Sequence[Callable[[Exchange], None]] = (
            lambda master: master.unroute(Unroute(LinkId(2), RouteId(5))),
            lambda master: master.close(LinkId(1), "the target leaves"),
            lambda master: master.close(LinkId(2), "the source leaves"),
        )
        for end in ends:
            framework, master, agent = self.routed(5, 5)
            end(master)
            self.settle()
            framework.send_on(LinkId(1), 5, [ToExecutor(data=b"late")])
            self.settle()
            self.assertEqual(self.inbox(agent).messages(), [])
            self.assertEqual((master._routes, master._routed_to), ({}, {}))

    def test_order_with_routes(self) -> None:
        """What a master says itself is not overtaken by what it passed on before."""
        framework, master, agent = self.routed(5, 5)
        framework.send_on(LinkId(1), 5, [ToExecutor(data=b"first")])
        self.settle()
        master.send(LinkId(1), [Ping()])
        framework.send_on(LinkId(1), 5, [ToExecutor(data=b"last")])
        self.settle()
        heard = self.inbox(agent).messages()
        self.assertEqual(heard, [ToExecutor(data=b"first"), Ping(), ToExecutor(data=b"last")])

    def test_told_as_one(self) -> None:
        """Opened comes before heard and heard before closed, for each link."""
        agent, master = self.join()
        agent.send(LinkId(1), [Pong(), Pong()])
        agent.close(LinkId(1), "done")
        self.settle()
        kinds = [type(one) for one in self.inbox(master).told]
        self.assertEqual(kinds, [LinkOpened, Heard, Heard, LinkClosed])
