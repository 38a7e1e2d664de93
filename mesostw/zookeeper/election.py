"""
Who leads: candidates come to lead one after the other, and everyone may look who does.

::

    Detector    looks on, through as many sessions as it takes
    Candidacy   would lead: one session, and whoever loses it leads no more

A link that is lost is no lost session.  A leader that has none stops acting (``held``) until
it has one again; its session ends on its own side before the ensemble would let another lead,
and then it has lost for good.  Whether what it knows may be told is a matter of its own: see
:mod:`mesostw.zookeeper.proof`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock, IZooKeeper, IZooSession
from mesostw.model.zookeeper import Check, SessionExpired, SessionState, ZooKeeperFault
from mesostw.unattended import unattended
from mesostw.zookeeper.group import Group, Place
from mesostw.zookeeper.proof import Proof

#: Of masters, as in Mesos; what their nodes hold is a MasterInfo in JSON.
MASTERS: Final = Place("", "json.info_")
#: Of frameworks' daemons, below where each has its own; their nodes hold ``host:port``.
MEMBER: Final = "member_"
#: Seconds between two attempts to open a session that was refused.
REOPEN_S: Final = 5.0


class _Watching:
    """Tells what the first of a group's members says of itself, once for each that is first."""

    _log = Logger()

    def __init__(self, group: Group, told: Callable[[bytes | None], None]) -> None:
        self._group, self._told = group, told
        self._first: str | None = ""

    def members(self, names: Sequence[str]) -> None:
        """Hear who is there."""
        first = names[0] if names else None
        if first == self._first:
            return
        self._first = first
        if first is None:
            self._told(None)
        else:
            unattended(self._read(first), self._failed)

    async def _read(self, name: str) -> None:
        try:
            data = await self._group.data_of(name)
        except SessionExpired:
            return
        # Whoever has gone meanwhile is told of by the next look.
        if data is not None and name == self._first:
            self._told(data)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("what the leader says of itself cannot be read", failure)


class Detector:
    """
    Looks who leads, through one session after the other.

    :param told: called with what the leader says of itself at each change; with ``None`` when
        nobody leads.  While nobody can be asked, nothing is told: what was true may be still.
    """

    _log = Logger()

    def __init__(
        self,
        ensemble: IZooKeeper,
        clock: IClock,
        place: Place,
        told: Callable[[bytes | None], None],
    ) -> None:
        self._ensemble, self._clock, self._place, self._told = ensemble, clock, place, told
        self._under_way: Deferred[None] | None = None
        self._group: Group | None = None
        self._ended: Deferred[None] = Deferred()
        self._running = False

    def start(self) -> None:
        """Begin to look."""
        self._running = True
        self._under_way = Deferred.fromCoroutine(self._run())
        unattended(self._under_way, self._failed)

    def stop(self) -> None:
        """Look no more; nothing is told afterwards."""
        self._running = False
        if self._under_way is not None:
            self._under_way.cancel()
        if self._group is not None:
            unattended(self._group.close(), self._failed)
            self._group = None

    async def _run(self) -> None:
        while self._running:
            group = Group(self._ensemble, self._clock, self._place, self._changed)
            self._ended = Deferred()
            try:
                await group.open()
            except ZooKeeperFault as fault:
                # A password that is wrong may be put right by somebody.
                self._log.error("who leads cannot be asked: {fault}", fault=fault)
                await self._later()
                continue
            self._group = group
            group.follow(_Watching(group, self._tell).members)
            await self._ended
            self._group = None

    def _later(self) -> Deferred[None]:
        waited: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self._clock.callLater(REOPEN_S, waited.callback, None)
        return waited

    def _changed(self, state: SessionState) -> None:
        if state is SessionState.EXPIRED and not self._ended.called:
            self._ended.callback(None)

    def _tell(self, data: bytes | None) -> None:
        if self._running:
            self._told(data)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("looking who leads has ended", failure)


class Ambition(Protocol):
    """What a candidate does with what becomes of it."""

    def leader_is(self, data: bytes | None) -> None:
        """Somebody else leads, or we do; ``None`` if nobody does."""

    def elected(self, session: IZooSession, standing: Sequence[Check]) -> None:
        """We lead, for as long as ``session`` lasts, and ``standing`` holds in a transaction."""

    def held(self, held: bool) -> None:
        """It cannot be proved that we lead: stop acting; or (``False``) it can be again."""

    def lost(self, reason: str) -> None:
        """We lead no more, or never shall: for good."""


class Candidacy:
    """
    Would lead.

    :param data: what everyone may read of us.
    """

    _log = Logger()

    def __init__(
        self, ensemble: IZooKeeper, clock: IClock, place: Place, data: bytes, ambition: Ambition
    ) -> None:
        self._data, self._ambition = data, ambition
        self._group = Group(ensemble, clock, place, self._changed)
        self._watching = _Watching(self._group, self._leader_is)
        #: Of the session, as it was told last; ``None`` before there is one.
        self.session_state: SessionState | None = None
        #: How often each state was told after another.
        self.told: Counter[SessionState] = Counter()
        self._own = ""
        self._proof: Proof | None = None
        self._leads = self._over = self._opened = False

    async def start(self) -> None:
        """
        Enter; all that follows is told to the ambition, also that the session has ended meanwhile.

        :raises ZooKeeperFault: the ensemble does not take us; nothing is told then.
        """
        try:
            await self._enter()
        except SessionExpired:
            self._lose("the session with ZooKeeper has ended")
        except Exception:
            if self._opened:
                # What cannot be entered is not kept open: whoever tries again opens another.
                unattended(self._group.close(), self._not_closed)
            # Whoever has withdrawn, or was told that we are lost, is told nothing more.
            if not self._over:
                self._over = True
                raise

    async def _enter(self) -> None:
        await self._group.open()
        if self._over:
            # We withdrew before there was anything to withdraw from.
            await self._group.close()
            return
        self._opened, self.session_state = True, SessionState.CONNECTED
        self._own = await self._group.join(self._data)
        if not self._over:
            # Also while another leads: a proof takes a while, and is wanted as soon as we lead.
            self._proof = self._group.proof_of(self._own)
            self._proof.renew()
            self._group.follow(self._members)

    async def stop(self) -> None:
        """Withdraw at once, so that the next need not wait for our session's end."""
        self._end()
        if self._opened:
            await self._group.close()

    def _not_closed(self, failure: Failure) -> None:
        self._log.failure("a session that nobody wants cannot be closed", failure)

    def _leader_is(self, data: bytes | None) -> None:
        if not self._over:
            self._ambition.leader_is(data)

    def _members(self, names: Sequence[str]) -> None:
        if self._over:
            return
        self._watching.members(names)
        if self._own not in names:
            self._lose("our node in ZooKeeper is gone")
        elif names[0] == self._own and not self._leads:
            self._leads = True
            self._ambition.elected(self._group.session, self._group.standing_of(self._own))

    def _changed(self, state: SessionState) -> None:
        self.session_state = state
        self.told[state] += 1
        if self._over:
            return
        if state is SessionState.EXPIRED:
            self._lose("the session with ZooKeeper has ended")
            return
        if self._proof is not None and state is SessionState.CONNECTED:
            self._proof.renew()
        if self._leads:
            self._ambition.held(state is SessionState.SUSPENDED)

    def is_proven(self) -> bool:
        """Whether we lead, and nobody else can now: what we know is not old."""
        return self._leads and self._proof is not None and self._proof.holds()

    def _end(self) -> None:
        self._over = True
        if self._proof is not None:
            self._proof.end()

    def _lose(self, reason: str) -> None:
        if not self._over:
            self._end()
            self._ambition.lost(reason)
