"""Debian's ZooKeeper, reached through the bridge over links that a test can cut."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from typing import Any

from kazoo.client import KazooClient
from twisted.internet.defer import Deferred

from mesostw.interfaces import IZooKeeper, IZooSession
from mesostw.model.zkurl import Credentials, ZkUrl
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import zookeeper
from mesostw.testing.zookeeper.proxy import Proxy
from mesostw.testing.zookeeper.server import ZooKeeperServer
from mesostw.zookeeper.ensemble import KazooEnsemble
from mesostw.zookeeper.rooted import Rooted
from mesostw.zookeeper.session import Session

#: For a client that is there to be cut off.
QUIET = logging.Logger("twin", logging.CRITICAL)
#: How long a synchronous test waits for another thread before it looks at its clock.
LOOK_S = 0.005


class RealWorld(zookeeper.World):
    """
    One server; every link is a proxy of its own.

    The test is the reactor: it empties the mailbox of what threads want it to call, and
    moves a clock by the time that has really passed.

    :param root: where everything happens, so that tests can share a server.
    """

    def __init__(self, server: ZooKeeperServer, root: str) -> None:
        self.clock = HeapClock()
        self._server = server
        self._root = root
        self._calls: queue.Queue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.Queue()
        self._proxies: dict[str, Proxy] = {}
        self._looked_at = time.monotonic()

    def close(self) -> None:
        """No link is left."""
        for proxy in self._proxies.values():
            proxy.close()

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        self._calls.put((call, arguments))

    def link(self, name: str) -> Proxy:
        """The link of that name."""
        if name not in self._proxies:
            self._proxies[name] = Proxy(("127.0.0.1", self._server.port))
        return self._proxies[name]

    def ensemble(
        self,
        link: str,
        root: str = "/",
        credentials: Credentials | None = None,
        timeout_s: float = 4.0,
    ) -> IZooKeeper:
        path = self._root + (root if root != "/" else "")
        url = ZkUrl((("127.0.0.1", self.link(link).port),), path, credentials)
        return KazooEnsemble(url, self.clock, self.post, timeout_s)

    def pass_time(self, deferred: Deferred[Any] | None, at_most_s: float) -> None:
        end = time.monotonic() + at_most_s
        while (deferred is None or not deferred.called) and time.monotonic() < end:
            now = time.monotonic()
            self.clock.advance(now - self._looked_at)
            self._looked_at = now
            try:
                call, arguments = self._calls.get(timeout=min(LOOK_S, max(0.0, end - now)))
            except queue.Empty:
                continue
            call(*arguments)

    def cut(self, link: str) -> None:
        self.link(link).answers_lost = False
        self.link(link).cut()

    def silence(self, link: str, silent: bool) -> None:
        self.link(link).silent = silent

    def refuse(self, link: str, refused: bool) -> None:
        self.link(link).refuses = refused

    def lose_answers(self, link: str) -> None:
        self.link(link).answers_lost = True

    def expire(self, session: IZooSession) -> None:
        plain = session._session if isinstance(session, Rooted) else session
        assert isinstance(plain, Session)
        # Whoever closes a session ends it for all who have it.
        number = plain._client.client_id
        twin = KazooClient(self._server.address, client_id=number, logger=QUIET)
        twin.start()
        twin.stop()
        twin.close()
