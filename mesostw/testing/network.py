"""
A network in memory: real exchanges and real frames, over pipes that a seed makes slow.

It replaces sockets and nothing else.  Like TCP it keeps the order of a connection and
loses data only with the connection: what was under way is gone, and either end may
notice late, or long after the other.

::

    network = MemoryNetwork(clock, Random(seed))
    network.listen("master", Doorway(exchange))
    Dialer(clock, exchange, random, network.endpoint_from("agent1")).dial("master:5050")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    TimeoutError,
)
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.interfaces import IClock

#: Bytes under way on one pipe past which its writer is asked to pause, as by a socket.
PIPE_BYTES_MAX: Final = 64 * 1024
#: Seconds until an end notices that the other is silent and gone, at most.
NOTICE_S_MAX: Final = 60.0

#: What adding and taking away seconds may be wrong by.
ROUNDING_S: Final = 1e-9


class Connection:
    """Two ends and the pipes between them."""

    def __init__(self, network: MemoryNetwork, dialler: str, listener: str) -> None:
        self.network = network
        self.ends = (
            MemoryTransport(self, dialler, listener),
            MemoryTransport(self, listener, dialler),
        )
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]
        self._is_cut = False

    @property
    def is_whole(self) -> bool:
        """Whether what is written at one end comes out at the other, sooner or later."""
        return not self._is_cut and all(end.connected for end in self.ends)

    @property
    def hosts(self) -> tuple[str, str]:
        """Who dialled, and who was dialled."""
        return self.ends[0].host, self.ends[1].host

    def cut(self, notice_s: tuple[float, float] = (0.0, 0.0)) -> None:
        """
        Break it: what is under way is lost.

        :param notice_s: seconds until the end that dialled, and the other, notice.
        """
        self._is_cut = True
        for end, late_s in zip(self.ends, notice_s, strict=True):
            end.lose_incoming()
            end.lost_in(late_s, ConnectionLost("the network broke it"))


@implementer(ITransport)
class MemoryTransport:
    """One end of a connection."""

    other: MemoryTransport

    def __init__(self, connection: Connection, host: str, remote: str) -> None:
        self.connection = connection
        self.host = host
        self.remote = remote
        self.protocol: IProtocol | None = None
        self.connected = True
        self.disconnecting = False
        #: Chunks on their way here with their times, and those that were not wanted yet.
        self.incoming: deque[tuple[float, bytes | Failure]] = deque()
        self._incoming_bytes = 0
        self._arrival = 0.0
        self._chunks = 0
        self._reading = True
        self._producer: IPushProducer | None = None
        self._producer_paused = False

    def __repr__(self) -> str:
        return f"<{self.host} to {self.remote}>"

    # --- what a protocol calls ------------------------------------------------

    def write(self, data: bytes) -> None:
        if self.connected and not self.disconnecting and data:
            self._put(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def _put(self, data: bytes) -> None:
        network, other = self.connection.network, self.other
        other.arrive(data)
        self._chunks += 1
        # The first chunk is the hello; each later one is made of whole frames.
        if (
            self._chunks > 1
            and network.duplicates
            and network.chance.uniform(0, 1) < network.duplicates
        ):
            other.arrive(data)
        producer = self._producer
        if producer is not None and not self._producer_paused and other.is_full:
            self._producer_paused = True
            producer.pauseProducing()

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self.other.arrive(Failure(ConnectionDone("closed by the other side")))
            self.lost_in(0.0, ConnectionDone("closed here"))

    def abortConnection(self) -> None:
        if self.connected:
            self.disconnecting = True
            self.other.lose_incoming()
            self.other.arrive(Failure(ConnectionLost("aborted by the other side")))
            self.lost_in(0.0, ConnectionAborted("aborted here"))

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self.remote, 0)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", self.host, 0)

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        assert streaming, "only push producers are of use on a memory pipe"
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        self._reading = True
        self._deliver()

    # --- what the network does ------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether a socket in this place would take no more."""
        return self._incoming_bytes > PIPE_BYTES_MAX

    def arrive(self, chunk: bytes | Failure) -> None:
        """Let ``chunk`` come in after the network's delay, after all before it."""
        if not self.connected:
            return
        network = self.connection.network
        now = network.clock.seconds()
        self._arrival = max(self._arrival, now + network.delay())
        self.incoming.append((self._arrival, chunk))
        if isinstance(chunk, bytes):
            self._incoming_bytes += len(chunk)
        network.clock.callLater(self._arrival - now, self._deliver)

    def _deliver(self) -> None:
        """Hand over all that has come."""
        network = self.connection.network
        now = network.clock.seconds() + ROUNDING_S
        while self.incoming and self.connected and self._reading and self.incoming[0][0] <= now:
            if network.is_cut(self.remote, self.host):
                # Sent again and again until the cut is healed or somebody loses patience.
                network.hold(self)
                return
            _, chunk = self.incoming.popleft()
            if isinstance(chunk, Failure):
                self._lost(chunk)
                return
            self._incoming_bytes -= len(chunk)
            assert self.protocol is not None
            self.protocol.dataReceived(chunk)
            self.other.drained()

    def drained(self) -> None:
        """Have the writer go on if it was paused and there is room again."""
        if self._producer_paused and not self.other.is_full:
            self._producer_paused = False
            if self._producer is not None:
                self._producer.resumeProducing()

    def lose_incoming(self) -> None:
        """Forget what is under way to here."""
        self.incoming.clear()
        self._incoming_bytes = 0

    def lost_in(self, late_s: float, reason: Exception) -> None:
        """Notice after ``late_s`` that the connection has ended."""
        if self.connected:
            clock = self.connection.network.clock
            clock.callLater(late_s, self._lost, Failure(reason))

    def _lost(self, reason: Failure) -> None:
        if not self.connected:
            return
        self.connected = False
        self.lose_incoming()
        self.connection.network.forget(self.connection)
        if self.protocol is not None:
            self.protocol.connectionLost(reason)

    def vanish(self) -> None:
        """The process at this end is gone: nobody here is told anything any more."""
        self.connected = False
        self.lose_incoming()
        self.connection.network.forget(self.connection)
        self.protocol = None


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """Where a host of the memory network dials another."""

    def __init__(self, network: MemoryNetwork, dialler: str, listener: str) -> None:
        self._network = network
        self._dialler = dialler
        self._listener = listener

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        connected: Deferred[IProtocol] = Deferred()
        network = self._network
        if network.is_cut_between(self._dialler, self._listener):
            network.clock.callLater(network.connect_timeout_s, self._time_out, connected)
        else:
            network.clock.callLater(2 * network.delay(), self._meet, connected, protocolFactory)
        return connected

    @staticmethod
    def _time_out(connected: Deferred[IProtocol]) -> None:
        if not connected.called:
            connected.errback(TimeoutError())

    def _meet(self, connected: Deferred[IProtocol], factory: IProtocolFactory) -> None:
        if connected.called:
            return
        network = self._network
        listening = network.listening.get(self._listener)
        if listening is None:
            connected.errback(ConnectError(string=f"nobody listens at {self._listener}"))
            return
        connection = network.connection(self._dialler, self._listener)
        here, there = connection.ends
        address = there.getPeer()
        there.protocol = listening.buildProtocol(address)
        here.protocol = factory.buildProtocol(here.getPeer())
        if here.protocol is None or there.protocol is None:
            connection.cut()
            connected.errback(ConnectError(string=f"{self._listener} takes nobody"))
            return
        there.protocol.makeConnection(there)
        here.protocol.makeConnection(here)
        connected.callback(here.protocol)


class MemoryNetwork:
    """
    Hosts by name, and what is between them.

    :param random: decides every delay and duplicate; the same seed, the same run.
    :param delay_s: the least and the most seconds that a chunk is under way.
    :param duplicates: how likely a chunk comes twice, one right after the other, as when
        a peer repeats what it said; 0 to 1.
    """

    def __init__(
        self,
        clock: IClock,
        random: Random,
        *,
        delay_s: tuple[float, float] = (0.0002, 0.002),
        duplicates: float = 0.0,
        connect_timeout_s: float = 10.0,
    ) -> None:
        self.clock = clock
        self.chance = random
        self.delay_s = delay_s
        self.duplicates = duplicates
        self.connect_timeout_s = connect_timeout_s
        self.listening: dict[str, IProtocolFactory] = {}
        # Dictionaries, not sets: a run must not depend on the order of hashes.
        self._connections: dict[int, Connection] = {}
        self._numbers: dict[Connection, int] = {}
        self._made = 0
        self._cuts: dict[tuple[str, str], None] = {}
        self._held: dict[int, MemoryTransport] = {}

    @property
    def connections(self) -> list[Connection]:
        """Every connection that an end still believes in, oldest first."""
        return list(self._connections.values())

    def delay(self) -> float:
        """Seconds that the next chunk is under way."""
        return self.chance.uniform(*self.delay_s)

    def repeats(self) -> bool:
        """Whether the next chunk comes twice."""
        return bool(self.duplicates) and self.chance.uniform(0, 1) < self.duplicates

    # --- who talks to whom ----------------------------------------------------

    def listen(self, host: str, factory: IProtocolFactory) -> None:
        """Have ``factory`` answer whoever dials ``host``, whatever the port."""
        self.listening[host] = factory

    def endpoint_from(self, dialler: str) -> Callable[[str, int], IStreamClientEndpoint]:
        """What a ``Dialer`` on the host ``dialler`` makes its endpoints with."""

        def endpoint_to(host: str, _port: int) -> IStreamClientEndpoint:
            return MemoryEndpoint(self, dialler, host)

        return endpoint_to

    def connection(self, dialler: str, listener: str) -> Connection:
        """Make a connection; the ends have no protocols yet."""
        made = Connection(self, dialler, listener)
        self._made += 1
        self._connections[self._made] = made
        self._numbers[made] = self._made
        return made

    def forget(self, connection: Connection) -> None:
        """Let go of a connection whose ends both know that it is over."""
        if not any(end.connected for end in connection.ends):
            self._connections.pop(self._numbers.pop(connection, 0), None)

    # --- faults ---------------------------------------------------------------

    def break_one(self, late_s_max: float = NOTICE_S_MAX) -> Connection | None:
        """Cut a random connection; one end notices at once, the other up to so late."""
        if not self._connections:
            return None
        connection = self.connections[self.chance.randrange(len(self._connections))]
        late_s = self.chance.uniform(0, late_s_max)
        connection.cut((0.0, late_s) if self.chance.uniform(0, 1) < 0.5 else (late_s, 0.0))
        return connection

    def crash(self, host: str, *, silent: bool = False) -> None:
        """
        End the process on ``host``: it listens no more and hears of nothing.

        :param silent: the machine died too, so the peers notice only by their timeouts;
            else the kernel tells them.
        """
        self.listening.pop(host, None)
        for connection in self.connections:
            for end in connection.ends:
                if end.host != host or not end.connected:
                    continue
                other = end.other
                end.vanish()
                if silent:
                    other.lose_incoming()
                    other.lost_in(self.chance.uniform(1, NOTICE_S_MAX), TimeoutError())
                else:
                    other.arrive(Failure(ConnectionLost("the other process died")))

    def cut_off(self, source: str, target: str) -> None:
        """Let nothing from ``source`` reach ``target``: one way only."""
        self._cuts[source, target] = None

    def part(self, first: str, second: str) -> None:
        """Let nothing through between two hosts, either way."""
        self.cut_off(first, second)
        self.cut_off(second, first)

    def heal(self) -> None:
        """End every cut; what was held comes through, where nobody lost patience."""
        self._cuts.clear()
        held, self._held = self._held, {}
        for end in held.values():
            if end.connected:
                self.clock.callLater(self.delay(), end._deliver)

    def freeze(self, host: str) -> None:
        """Let a process read nothing, as one that stands still does not."""
        for end in self._ends_of(host):
            end.pauseProducing()

    def thaw(self, host: str) -> None:
        """Let it read on."""
        for end in self._ends_of(host):
            end.resumeProducing()

    def _ends_of(self, host: str) -> list[MemoryTransport]:
        return [end for one in self.connections for end in one.ends if end.host == host]

    def is_cut(self, source: str, target: str) -> bool:
        """Whether nothing from ``source`` reaches ``target`` now."""
        return (source, target) in self._cuts

    def are_joined(self, first: str, second: str) -> bool:
        """Whether two hosts have a connection that is not broken, noticed or not."""
        return not self.is_cut_between(first, second) and any(
            one.is_whole and set(one.hosts) == {first, second} for one in self.connections
        )

    def is_cut_between(self, first: str, second: str) -> bool:
        """Whether a handshake between the two cannot succeed now."""
        return self.is_cut(first, second) or self.is_cut(second, first)

    def hold(self, end: MemoryTransport) -> None:
        """Keep what cannot reach ``end`` until the cut heals or either end gives up."""
        if id(end) in self._held:
            return
        self._held[id(end)] = end
        for one in (end, end.other):
            late_s = self.chance.uniform(NOTICE_S_MAX / 4, NOTICE_S_MAX)
            self.clock.callLater(late_s, self._lose_patience, end, one)

    def _lose_patience(self, held: MemoryTransport, end: MemoryTransport) -> None:
        if self._held.get(id(held)) is held and self.is_cut(held.remote, held.host):
            end.lost_in(0.0, TimeoutError())
