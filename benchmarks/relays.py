"""
What the routing and update benchmarks load: one relay a process, of one kind.

``ours`` passes on frames through the real doorway, exchange and protocol; ``rewritten``
does so with other route numbers on the other side.  ``bare`` is the least that a batched
Twisted relay of the same bytes can do; ``int32`` is Twisted's ``Int32StringReceiver``.
``updates`` decodes each message, dispatches it through a core that does nothing and a
driver, and encodes what it says.

The first ``SINKS`` connections receive, all later ones send.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import Int32StringReceiver

from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.bus.sending import writer_for
from mesostw.core.outcome import Heard, LinkOpened, Moment, Outcome, Records, Route, Send, Write
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.messages.agent_master import StatusUpdated
from mesostw.messages.scheduler_events import Update
from mesostw.model.ids import LinkId, RouteId
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.store.memory import MemoryStore
from mesostw.testing.recorders import RecordingInbox, RecordingPerformer
from mesostw.unattended import unattended
from mesostw.wire.framing import HEADER

reactor: Any = _reactor
#: Connections that receive: the first ones.
SINKS: Final = 16
#: What is added to a route's number on the other side by ``rewritten``.
OTHER: Final = 1000


class Router(RecordingInbox):
    """An inbox that opens a route from each sender to each receiver as they connect."""

    def __init__(self, exchange: Exchange, other: int) -> None:
        super().__init__()
        self._exchange = exchange
        self._other = other

    def tell(self, stimuli: Sequence[object]) -> None:
        for stimulus in stimuli:
            if isinstance(stimulus, LinkOpened) and stimulus.link > SINKS:
                for sink in range(1, SINKS + 1):
                    there = RouteId(sink + self._other)
                    self._exchange.route(Route(stimulus.link, RouteId(sink), LinkId(sink), there))


class NothingCore:
    """A core that passes each report on to the first link and remembers nothing."""

    RECORDS: Mapping[str, type[Struct]] = {}

    def hear(self, stimulus: object, now: Moment) -> Outcome[Any, Any]:
        """Dispatch by type, as a master does."""
        outcome: Outcome[Any, Any] = Outcome()
        match stimulus:
            case Heard(_, StatusUpdated(status=status)):
                outcome.effects.append(Send(LinkId(1), Update(status=status)))
            case _:
                pass
        return outcome

    def restore(self, records: Records, now: Moment) -> Outcome[Any, Any]:
        """Nothing is kept."""
        return Outcome()

    def write_of(self, change: object) -> Write | None:
        """Nothing is kept."""
        return None

    def check(self) -> None:
        """Nothing can be wrong."""


class NoState:
    """The state of a core that has none."""

    def apply(self, change: object) -> None:
        """Nothing changes."""


class Bare(Protocol):
    """Parse lengths and routes, collect by receiver in a turn, send directly."""

    transport: Any

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._rest = b""
        self.waiting: list[bytes] = []

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.write = writer_for(self.transport)
        if len(self._relay.sinks) < SINKS:
            self._relay.sinks.append(self)
        self.write(b"!")

    def dataReceived(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        unpack, sinks = HEADER.unpack_from, self._relay.sinks
        start, size = 0, len(data)
        groups: defaultdict[int, list[bytes]] = defaultdict(list)
        while start + 12 <= size:
            length, _, _, route = unpack(data, start)
            end = start + length + 4
            if end > size:
                break
            groups[route].append(data[start:end])
            start = end
        self._rest = data[start:]
        for route, frames in groups.items():
            sink = sinks[route - 1]
            if not sink.waiting:
                reactor.callLater(0, sink.flush)
            sink.waiting += frames

    def flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        self.write(b"".join(waiting))


class Int32(Int32StringReceiver):
    """As Twisted's documentation would write it, with Nagle's wait turned off."""

    MAX_LENGTH = 16 * 1024 * 1024
    transport: Any

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        if len(self._relay.sinks) < SINKS:
            self._relay.sinks.append(self)
        self.transport.write(b"!")

    def stringReceived(self, string: bytes) -> None:
        route = int.from_bytes(string[4:8], "big") or 1
        self._relay.sinks[route - 1].sendString(string)


class Relay(Factory):
    """Connections by number."""

    noisy = False

    def __init__(self, kind: type[Bare] | type[Int32]) -> None:
        self._kind = kind
        self.sinks: list[Any] = []

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._kind(self)


def ours(other: int) -> Factory:
    """The real bus, with routes."""
    exchange = Exchange(reactor, "master", ("framework",))
    exchange.inbox = Router(exchange, other)
    return Doorway(exchange)


def updates() -> Factory:
    """The real bus, a driver and a core that does nothing."""
    exchange = Exchange(reactor, "master", ("framework",))
    driver: Driver[Any, Any, Any] = Driver(
        ReactorClock(reactor),
        NothingCore(),
        MemoryStore(),
        Feed(NoState()),
        exchange,
        RecordingPerformer(),
        lambda _: reactor.stop(),
    )
    exchange.inbox = driver
    unattended(driver.start(), lambda _: reactor.stop())
    return Doorway(exchange)


def main() -> None:
    """Listen on a free port of loopback, say it, and relay until killed."""
    install_steady_time(reactor)
    factories = {
        "ours": lambda: ours(0),
        "rewritten": lambda: ours(OTHER),
        "bare": lambda: Relay(Bare),
        "int32": lambda: Relay(Int32),
        "updates": updates,
    }
    port = reactor.listenTCP(0, factories[sys.argv[1]](), BACKLOG, "127.0.0.1")
    sys.stdout.write(json.dumps({"event": "listening", "port": port.getHost().port}) + "\n")
    sys.stdout.flush()
    reactor.run()


if __name__ == "__main__":
    main()
