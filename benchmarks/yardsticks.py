"""
What the least that could do the same costs here and now, to compare with.

    python -m benchmarks.yardsticks echo PORT      a bare Twisted server that echoes
    python -m benchmarks.yardsticks dial PORT N    N connections, one frame echoed on each
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any, Final

from twisted.internet import reactor as _reactor
from twisted.internet.protocol import ClientFactory, Factory, Protocol

from benchmarks.farm import DIALLING_MAX, tell

reactor: Any = _reactor
#: About what a registration has.
FRAME: Final = b"x" * 300


class Echo(Protocol):
    """Say back whatever is said."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        """Say it back."""
        self.transport.write(data)


class Dialler(Protocol):
    """Say one frame; count when all of it has come back."""

    transport: Any

    def connectionMade(self) -> None:
        """Say it."""
        self.factory.under_way -= 1
        self.came = 0
        self.transport.setTcpNoDelay(True)
        self.transport.write(FRAME)

    def dataReceived(self, data: bytes) -> None:
        """Count bytes."""
        self.came += len(data)
        if self.came == len(FRAME):
            self.factory.is_back()


class Diallers(ClientFactory):
    """All connections of a yardstick."""

    protocol = Dialler
    noisy = False

    def __init__(self, port: int, wanted: int) -> None:
        self.port, self.wanted, self.left = port, wanted, wanted
        self.under_way = self.back = 0
        self.began = time.monotonic()

    def start(self) -> None:
        """Dial as many as may be under way."""
        while self.left and self.under_way < DIALLING_MAX:
            self.left -= 1
            self.under_way += 1
            reactor.connectTCP("127.0.0.1", self.port, self)
        reactor.callLater(0.005, self.start)

    def is_back(self) -> None:
        """Tell when all are."""
        self.back += 1
        if self.back == self.wanted:
            tell(event="dialled", seconds=time.monotonic() - self.began)


def bare_connections_s(started: Any, port: int, wanted: int) -> float:
    """Seconds of ``wanted`` connections to a bare Twisted server, a frame echoed on each."""
    command = [sys.executable, "-m", "benchmarks.yardsticks"]
    server = started([*command, "echo", str(port)], 0)
    server.wait_for("listening")
    load = started([*command, "dial", str(port), str(wanted)], 1)
    seconds = float(load.wait_for("dialled")["seconds"])
    load.kill()
    server.kill()
    return seconds


def bare_processes_a_second(count: int) -> float:
    """How many ``true`` a second ``subprocess`` starts and reaps, eight under way."""
    began = time.monotonic()
    waiting: list[subprocess.Popen[bytes]] = []
    for _ in range(count):
        waiting.append(subprocess.Popen(["/bin/true"], start_new_session=True))
        if len(waiting) == 8:
            waiting.pop(0).wait()
    for child in waiting:
        child.wait()
    return count / (time.monotonic() - began)


def main(what: str, port: str, count: str = "0") -> None:
    """Be one end of a yardstick."""
    if what == "echo":
        factory = Factory.forProtocol(Echo)
        factory.noisy = False
        reactor.listenTCP(int(port), factory, backlog=4096, interface="127.0.0.1")
        reactor.callWhenRunning(tell, event="listening")
    else:
        diallers = Diallers(int(port), int(count))
        reactor.callWhenRunning(diallers.start)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
