"""A session whose root is a node further down, as ``zk://host/path`` means it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.interfaces import IZooSession
from mesostw.model.zookeeper import (
    ANY_VERSION,
    Acl,
    ConnectionLost,
    NodeExists,
    NotConnected,
    Operation,
    Outcome,
    SessionExpired,
    SessionState,
    Stat,
    Watched,
    ZooKeeperFault,
    check_path,
    parent_of,
    under,
)

T = TypeVar("T")
Watch = Callable[[Watched], None]
Listener = Callable[[SessionState], None]


@implementer(IZooSession)
class Rooted:
    """``session``, with every path seen from ``root``."""

    def __init__(self, session: IZooSession, root: str) -> None:
        self._session = session
        self._root = root

    @property
    def session_id(self) -> int:
        return int(self._session.session_id)

    @property
    def timeout_s(self) -> float:
        return float(self._session.timeout_s)

    @property
    def dialled_at(self) -> float:
        return float(self._session.dialled_at)

    @property
    def state(self) -> SessionState:
        return SessionState(self._session.state)

    def _down(self, path: str) -> str:
        return under(self._root, check_path(path))

    def _up(self, path: str) -> str:
        return path[len(self._root) :] or "/" if self._root != "/" else path

    def _seen(self, asked: Deferred[T]) -> Deferred[T]:
        return asked.addErrback(self._fault)

    def _fault(self, failure: Failure) -> Failure:
        fault = failure.value
        if isinstance(fault, ZooKeeperFault) and fault.path:
            return Failure(type(fault)(self._up(fault.path), fault.index))
        return failure

    def _watch(self, watch: Watch | None) -> Watch | None:
        if watch is None:
            return None
        return lambda event: watch(Watched(event.kind, self._up(event.path)))

    def create(
        self,
        path: str,
        data: bytes = b"",
        *,
        ephemeral: bool = False,
        sequence: bool = False,
        acl: Sequence[Acl] | None = None,
    ) -> Deferred[str]:
        made = self._session.create(
            self._down(path), data, ephemeral=ephemeral, sequence=sequence, acl=acl
        )
        return self._seen(made.addCallback(self._up))

    def get(self, path: str, watch: Watch | None = None) -> Deferred[tuple[bytes, Stat]]:
        return self._seen(self._session.get(self._down(path), self._watch(watch)))

    def exists(self, path: str, watch: Watch | None = None) -> Deferred[Stat | None]:
        return self._seen(self._session.exists(self._down(path), self._watch(watch)))

    def children(
        self, path: str, watch: Watch | None = None
    ) -> Deferred[tuple[Sequence[str], Stat]]:
        return self._seen(self._session.children(self._down(path), self._watch(watch)))

    def set(self, path: str, data: bytes, version: int = ANY_VERSION) -> Deferred[Stat]:
        return self._seen(self._session.set(self._down(path), data, version))

    def delete(self, path: str, version: int = ANY_VERSION) -> Deferred[None]:
        return self._seen(self._session.delete(self._down(path), version))

    def get_acl(self, path: str) -> Deferred[tuple[Sequence[Acl], Stat]]:
        return self._seen(self._session.get_acl(self._down(path)))

    def set_acl(self, path: str, acl: Sequence[Acl], version: int = ANY_VERSION) -> Deferred[Stat]:
        return self._seen(self._session.set_acl(self._down(path), acl, version))

    def multi(self, operations: Sequence[Operation]) -> Deferred[Sequence[Outcome]]:
        down = [replace(one, path=self._down(one.path)) for one in operations]
        return self._seen(self._session.multi(down).addCallback(self._outcomes))

    def _outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        return tuple(self._up(one) if isinstance(one, str) else one for one in outcomes)

    def sync(self, path: str = "/") -> Deferred[None]:
        return self._seen(self._session.sync(self._down(path)))

    def close(self) -> Deferred[None]:
        return self._session.close()


class Forwarder:
    """A session's first listener: nobody, until there is somebody who has the session."""

    def __init__(self) -> None:
        self.listener: Listener = lambda _: None

    def __call__(self, state: SessionState) -> None:
        self.listener(state)


async def open_at(
    open_one: Callable[[Listener], Awaitable[IZooSession]], root: str, listener: Listener
) -> IZooSession:
    """
    Open a session and make its root; what breaks on the way is begun again.

    :param open_one: opens a session at the top; tries until it succeeds.
    :raises Refused: the root may not be made, or not be seen.
    :raises AuthFailed: we are not who we say we are.
    """
    while True:
        forwarder = Forwarder()
        session = await open_one(forwarder)
        try:
            await make_path(session, root)
        except (ConnectionLost, NotConnected, SessionExpired):
            await session.close()
        except Exception:
            # Not what is collected as garbage: of a process that is over nothing is done any more.
            _ = session.close()
            raise
        else:
            forwarder.listener = listener
            return session if root == "/" else Rooted(session, root)


async def make_path(session: IZooSession, path: str) -> None:
    """Make every node down to ``path`` that is not there, each with the session's permissions."""
    missing = []
    while await session.exists(path) is None:
        missing.append(path)
        path = parent_of(path)
    for one in reversed(missing):
        try:
            await session.create(one)
        except NodeExists:
            # Somebody else was first, which is as good.
            continue
