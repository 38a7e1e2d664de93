"""The agent's end of the socket to its supervisor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.launching.frames import BadFrame, FrameReader


class SupervisorLink(Protocol):
    """
    Sentences outside, frames inside.

    :param heard: called with all sentences of one read.
    :param lost: called once, when the connection has ended.
    """

    transport: ITCPTransport
    _log = Logger()

    def __init__(
        self, heard: Callable[[list[list[Any]]], None], lost: Callable[[Failure], None]
    ) -> None:
        self._heard = heard
        self._lost = lost
        self._reader = FrameReader()

    def write(self, frames: bytes) -> None:
        self.transport.write(frames)

    def leave(self) -> None:
        """End the connection after what was written."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        try:
            sentences = self._reader.feed(data)
        except BadFrame as fault:
            self._log.error("the supervisor does not speak our protocol: {fault}", fault=fault)
            self.abort()
            return
        if sentences:
            self._heard(sentences)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost(reason)
