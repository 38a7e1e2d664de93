"""A load of ready frames: blocks are sent, and all bytes that come out are counted."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.processes import Started, cpu_s
from benchmarks.relays import SINKS
from mesostw.bus.protocol import PREFACE
from mesostw.messages.hello import Hello
from mesostw.wire.codec import encode

#: Rounds of blocks that are under way at once.
ROUNDS_AHEAD = 2
#: Seconds without a byte after which a relay has lost something.
PATIENCE_S = 20.0


class Pace(Struct, frozen=True):
    """How fast a relay was."""

    #: Frames a second of wall time.
    rate: float
    #: Microseconds of the relay's processor time a frame: what noise does not change.
    cpu_us: float


class Stream:
    """One relay process with its senders and receivers."""

    def __init__(self, kind: str, *, says_hello: bool) -> None:
        self._log = os.fdopen(os.memfd_create("relay"), "w+b")
        self._relay = Started([sys.executable, "-m", "benchmarks.relays", kind], 0, log=self._log)
        self._port = self._relay.wait_for("listening")["port"]
        self._says_hello = says_hello
        self.sinks = [self._connect() for _ in range(SINKS)]
        self.sources: list[socket.socket] = []

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._says_hello:
            made.sendall(PREFACE + encode(Hello(role="framework", version="0")))
            header = made.recv(4, socket.MSG_WAITALL)
            made.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)
        else:
            made.recv(1)
        return made

    def connect_sources(self, count: int) -> None:
        """Connect those who send."""
        self.sources = [self._connect() for _ in range(count)]

    def one_by_one(self, blocks: Sequence[bytes], out_bytes: int) -> bytes:
        """Send one round and return all that comes out, to see that it is right."""
        self._send(blocks)
        return b"".join(self._receive(out_bytes))

    def _send(self, blocks: Sequence[bytes]) -> None:
        for source, block in zip(self.sources, blocks, strict=True):
            source.sendall(block)

    def _receive(self, wanted: int) -> list[bytes]:
        got: list[bytes] = []
        while wanted > 0:
            ready, _, _ = select.select(self.sinks, [], [], PATIENCE_S)
            if not ready:
                message = f"{wanted} bytes never came: {self.story()}"
                raise RuntimeError(message)
            for sink in ready:
                got.append(sink.recv(1 << 20))
                wanted -= len(got[-1])
        if wanted < 0:
            message = f"{-wanted} bytes too many"
            raise RuntimeError(message)
        return got

    def _drain(self, wanted: int) -> int:
        ready, _, _ = select.select(self.sinks, [], [], PATIENCE_S)
        if not ready:
            message = f"{wanted} bytes never came: {self.story()}"
            raise RuntimeError(message)
        return sum(len(sink.recv(1 << 20)) for sink in ready)

    def story(self) -> str:
        """What the relay said on its way."""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")

    def run(self, blocks: Sequence[bytes], frames: int, out_bytes: int, rounds: int) -> Pace:
        """
        Pass ``rounds`` rounds of ``blocks`` through.

        :param frames: in one round.
        :param out_bytes: that come out of one round.
        """
        began_s, began_cpu_s = time.monotonic(), cpu_s(self._relay.pid)
        sent = got = 0
        while got < rounds * out_bytes:
            while sent < rounds and sent * out_bytes - got < ROUNDS_AHEAD * out_bytes:
                self._send(blocks)
                sent += 1
            got += self._drain(rounds * out_bytes - got)
        wall_s = time.monotonic() - began_s
        used_s = cpu_s(self._relay.pid) - began_cpu_s
        return Pace(frames * rounds / wall_s, used_s / frames / rounds * 1e6)

    def close(self) -> None:
        """End the relay and all connections."""
        for one in [*self.sinks, *self.sources]:
            one.close()
        self._relay.kill()
        self._log.close()


def pin_to_last_processor() -> None:
    """Leave the first processor to what is measured."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
