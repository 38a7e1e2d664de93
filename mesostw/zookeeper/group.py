"""
Who is there, and in which order they came: the nodes of those who would lead.

Each member is an ephemeral node whose name ends with a number, and the lowest leads, as in
Mesos (``json.info_0000000012``) and in Marathon (``member_0000000012``).

Note [A join that nobody answered]
    If the link breaks before a new node's name was told, the node may be there.  It is known by
    its owner, our session, and found again before another is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock, IZooKeeper, IZooSession
from mesostw.model.zookeeper import (
    Check,
    ConnectionLost,
    NodeExists,
    NoNode,
    NotConnected,
    SessionExpired,
    SessionState,
    Watched,
    ZooKeeperFault,
)
from mesostw.unattended import unattended
from mesostw.zookeeper.proof import Proof

#: Seconds until what could not be asked is asked again, if no link says sooner that it is back.
RETRY_S: Final = 1.0
_BROKEN: Final = (ConnectionLost, NotConnected)

T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where members' nodes are, seen from an ensemble's root, and how their names begin."""

    #: Empty for the root itself, else a path.
    directory: str
    #: Nodes whose names begin otherwise are not looked at.
    label: str

    def path(self, name: str) -> str:
        """Where a member is."""
        return f"{self.directory}/{name}"


def number_of(name: str) -> int:
    """Tell the number that a member's name ends with."""
    return int(name[-10:])


class Group:
    """
    The members below a node, for as long as one session lasts.

    :param changed: told what the session does: ``SUSPENDED``, ``CONNECTED`` and, for good,
        ``EXPIRED``.
    """

    _log = Logger()

    def __init__(
        self,
        ensemble: IZooKeeper,
        clock: IClock,
        place: Place,
        changed: Callable[[SessionState], None],
    ) -> None:
        self._ensemble, self._clock, self._place, self._changed = ensemble, clock, place, changed
        self._told: Callable[[Sequence[str]], None] = lambda _names: None
        self._follows = self._looking = self._stale = self._closed = False
        self._again: IDelayedCall | None = None
        self._linked: list[Deferred[None]] = []
        self.session: IZooSession

    async def open(self) -> IZooSession:
        """Begin the session."""
        self.session = await self._ensemble.connect(self._heard)
        try:
            await self._make_directory()
        except Exception:
            # Nobody else knows of it yet, so nobody else would end it.
            unattended(self.close(), self._failed)
            raise
        return self.session

    async def _make_directory(self) -> None:
        if self._place.directory:
            with suppress(NodeExists):
                await self._patiently(lambda: self.session.create(self._place.directory))

    async def close(self) -> None:
        """End the session, and with it our own membership."""
        self._closed = True
        self._wake()
        await self.session.close()

    def _heard(self, state: SessionState) -> None:
        if state is not SessionState.SUSPENDED:
            self._wake()
            self._look_again()
        self._changed(state)

    def _wake(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        linked, self._linked = self._linked, []
        for one in linked:
            one.callback(None)

    def _linked_again(self) -> Deferred[None]:
        """Fires when a link is back, or the session has ended, or after ``RETRY_S``."""
        waiting: Deferred[None] = Deferred()
        self._linked.append(waiting)
        if self._again is None:
            self._again = self._clock.callLater(RETRY_S, self._retry)
        return waiting

    def _retry(self) -> None:
        self._again = None
        self._wake()

    async def _patiently(self, what: Callable[[], Deferred[T]]) -> T:
        """Ask what changes nothing until a link holds so long."""
        while True:
            try:
                return await what()
            except _BROKEN:
                await self._linked_again()

    # --- being one of them ------------------------------------------------------------

    async def join(self, data: bytes) -> str:
        """
        Become a member with ``data`` for everyone to read; gives the name of the node.

        :raises SessionExpired: the session has ended.
        """
        while True:
            try:
                made = await self.session.create(
                    self._place.path(self._place.label), data, ephemeral=True, sequence=True
                )
            except _BROKEN:
                await self._linked_again()
                # See Note [A join that nobody answered].
                found = await self._own()
                if found is not None:
                    return found
            else:
                return made.rpartition("/")[2]

    async def _own(self) -> str | None:
        for name in await self._names():
            stat = await self._patiently(partial(self.session.exists, self._place.path(name)))
            if stat is not None and stat.ephemeral_owner == self.session.session_id:
                return name
        return None

    async def data_of(self, name: str) -> bytes | None:
        """What a member says of itself; ``None`` if it has gone."""
        try:
            data, _ = await self._patiently(lambda: self.session.get(self._place.path(name)))
        except NoNode:
            return None
        return data

    def standing_of(self, name: str) -> tuple[Check, ...]:
        """What holds in a transaction as long as a member is there."""
        return (Check(self._place.path(name)),)

    def proof_of(self, name: str) -> Proof:
        """That a member is there; nothing is asked before it is renewed."""
        standing = self.standing_of(name)
        return Proof(self._clock, self.session, lambda: self.session.multi(standing))

    # --- watching them ----------------------------------------------------------------

    def follow(self, told: Callable[[Sequence[str]], None]) -> None:
        """Have ``told`` called with all members, the first to come first, at each change."""
        self._told, self._follows = told, True
        self._look_again()

    async def _names(self, watch: Callable[[Watched], None] | None = None) -> Sequence[str]:
        names, _ = await self._patiently(
            lambda: self.session.children(self._place.directory or "/", watch)
        )
        return sorted((one for one in names if self._is_member(one)), key=number_of)

    def _is_member(self, name: str) -> bool:
        number = name.removeprefix(self._place.label)
        return number != name and len(number) == 10 and number.isdigit()

    def _look_again(self) -> None:
        self._stale = True
        if self._follows and not self._looking and not self._closed:
            self._looking = True
            unattended(self._look(), self._failed)

    async def _look(self) -> None:
        try:
            while self._stale and not self._closed:
                self._stale = False
                names = await self._names(self._happened)
                if not self._stale:
                    self._told(names)
        except SessionExpired:
            # The listener hears of it.
            return
        finally:
            self._looking = False

    def _happened(self, _event: Watched) -> None:
        self._look_again()

    def _failed(self, failure: Failure) -> None:
        if failure.check(ZooKeeperFault):
            reason = failure.getErrorMessage()
            self._log.error("who leads cannot be read: {reason}", reason=reason)
            self._stale = True
            self._clock.callLater(RETRY_S, self._look_again)
        else:
            self._log.failure("who leads cannot be told", failure)
