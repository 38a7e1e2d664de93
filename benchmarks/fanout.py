"""
What one change costs that a thousand live followers are told of.

The yardstick, in the same run over the same sockets: Autobahn's own ``sendMessage`` to
each of them.  Followers are a process of their own that only reads.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import Any, Final

import msgspec
from twisted.internet import reactor as global_reactor
from twisted.web.resource import IResource

from benchmarks.state import agents, read
from mesostw.core.master.changes import AgentChanged
from mesostw.core.master.state import ClusterState
from mesostw.feed.changes import Feed
from mesostw.feed.frames import PROTOCOL
from mesostw.feed.layout import Banner
from mesostw.feed.master import live_parts
from mesostw.feed.snapshots import at_once
from mesostw.http.pages import Page
from mesostw.http.paths import Paths
from mesostw.http.rendering import Query, Reply, json_reply
from mesostw.http.serving import HouseSite
from mesostw.reactor_time import ReactorClock

FOLLOWERS: Final = 1000
ROUNDS: Final = 15
#: Reactor time of one change to all, in seconds: the demand of the project.
TURN_MAX_S: Final = 0.1

HANDSHAKE: Final = (
    b"GET /api/v1/live HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " + PROTOCOL.encode() + b"\r\n\r\n"
)


class Stopwatch:
    """A clock that remembers how long each flush took which it started."""

    def __init__(self, clock: ReactorClock) -> None:
        self._clock = clock
        self.seconds, self.wall = clock.seconds, clock.wall
        self.getDelayedCalls = clock.getDelayedCalls
        self.took: list[float] = []

    def callLater(self, delay: float, call: Any, *arguments: object, **named: object) -> Any:
        if getattr(call, "__name__", "") != "_flush":
            return self._clock.callLater(delay, call, *arguments, **named)
        return self._clock.callLater(delay, self._timed, call)

    def _timed(self, call: Any) -> None:
        started = time.perf_counter()
        call()
        self.took.append(time.perf_counter() - started)


def serve() -> None:
    """Answer on a port that is printed; ``/change`` alters one agent."""
    reactor: Any = global_reactor
    clock: Any = Stopwatch(ReactorClock(reactor))
    feed: Feed[Any, Any] = Feed(ClusterState())
    feed.begin(1)
    feed.publish(list(agents(200)))
    banner = Banner(name="b", leader="", master_id="m", version="0.1.0", started=0.0)
    parts = live_parts(feed, clock, lambda: banner, at_once)
    live = parts.live
    versions = iter(range(10**9))

    def change(query: Query) -> Reply:
        agent = feed.view.agents[next(iter(feed.view.agents))]
        feed.publish([AgentChanged(msgspec.structs.replace(agent, version=f"1.{next(versions)}"))])
        return Reply()

    def plain(query: Query) -> Reply:
        payload = b'{"t":"d","k":"x","q":[1,1],"c":[[1,{"version":"1.1"}]]}'
        for session in live.sessions:
            sockets: Any = session.outlet
            sockets.sendMessage(payload)
        return Reply()

    exact: dict[str, IResource] = {
        "change": Page(change),
        "plain": Page(plain),
        "took": Page(lambda query: json_reply(clock.took)),
        "cpu": Page(lambda query: json_reply(time.process_time())),
        "api/v1/live": parts.socket,
    }
    port = reactor.listenTCP(
        0, HouseSite(Paths(exact, {}), clock), backlog=4096, interface="127.0.0.1"
    )
    print(port.getHost().port, flush=True)
    reactor.run()


def masked(text: bytes) -> bytes:
    """A client's text frame; the mask of zeros leaves the text as it is."""
    assert len(text) < 126
    return b"\x81" + bytes((0x80 | len(text),)) + b"\0\0\0\0" + text


def follow(port: int) -> list[socket.socket]:
    """``FOLLOWERS`` connections that have subscribed to ``agents``."""
    words = masked(b'{"t":"hello","v":1,"client":"bench"}')
    words += masked(b'{"t":"sub","id":1,"topic":"agents"}')
    found = []
    for _ in range(FOLLOWERS):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(HANDSHAKE)
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += one.recv(65536)
        one.sendall(words)
        found.append(one)
    return found


def drain(followers: list[socket.socket]) -> None:
    """Read for ever, as browsers do."""
    selector = selectors.DefaultSelector()
    for one in followers:
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if not sock.recv(262_144):
                selector.unregister(sock)


def cpu_of(port: int, path: str) -> float:
    """CPU seconds of the server for ``path`` and all that it sends because of it."""
    before = float(read(port, "/cpu")[1])
    read(port, path)
    time.sleep(0.4)
    return float(read(port, "/cpu")[1]) - before


def main() -> int:
    """Measure; 1 if the demand is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.serve:
        serve()
        return 0
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fanout", "--serve"], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    readers = 0
    try:
        port = int(server.stdout.readline())
        followers = follow(port)
        readers = os.fork()
        if readers == 0:
            drain(followers)
        before = len(msgspec.json.decode(read(port, "/took")[1]))
        ours = [cpu_of(port, "/change") for _ in range(ROUNDS)]
        took = msgspec.json.decode(read(port, "/took")[1])[before:]
        plain = [cpu_of(port, "/plain") for _ in range(ROUNDS)]
    finally:
        server.kill()
        server.wait()
        if readers:
            os.kill(readers, 9)
            os.waitpid(readers, 0)
    each, cpu, yardstick = map(statistics.median, (took, ours, plain))
    print(f"one change to {FOLLOWERS:,} followers: {each * 1e3:.1f} ms of reactor time, ", end="")
    print(f"slowest {max(took) * 1e3:.1f} ms  (demand {TURN_MAX_S * 1e3:g})")
    print(
        f"CPU {cpu * 1e3:.1f} ms; yardstick: sendMessage to each {yardstick * 1e3:.1f} ms, ", end=""
    )
    print(f"{cpu / yardstick:.2f} x")
    return 0 if each < TURN_MAX_S else 1


if __name__ == "__main__":
    sys.exit(main())
