"""
A copy of the leader's view, kept by following its feed over the bus.

Note [How late]
    Clocks of two machines agree on nothing, so the lag is measured by one.  Once in
    ``PROBE_S`` the follower says its own seconds, and the leader says them again after all
    that it had published by then.  So all that was published before those seconds is in
    the copy: how long ago they were is the most that the copy can be behind.

Note [Numbers of its own]
    Browsers that follow the copy are told of another leader, or of a copy that begins anew,
    by what is different, so the copy has a feed of its own, whose numbers go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.core.master.state import ClusterState
from mesostw.core.outcome import Heard, LinkClosed, LinkOpened
from mesostw.feed.changes import Feed
from mesostw.feed.packing import Unpackable, Unpacking
from mesostw.interfaces import Freshness, GivenUp, IClock, IDialer, IExchange, IInbox
from mesostw.messages.followers import (
    Copying,
    CopyPart,
    CopyPartTaken,
    Echo,
    Follow,
    MasterShown,
    Probe,
    Published,
    Resumed,
)
from mesostw.model.ids import LinkId

#: Seconds between two questions how late the copy is.
PROBE_S: Final = 1.0
#: Seconds behind past which a copy is stale.
STALE_S: Final = 5.0
#: Seconds in which nothing is heard from the leader after which it is dialled anew.
SILENT_S: Final = 15.0
#: Seconds until a leader that could not be followed is tried again: at first, and at most.
AGAIN_FIRST_S: Final = 1.0
AGAIN_MAX_S: Final = 60.0


def behind(freshness: Freshness) -> int:
    """
    The lag that people are shown, in whole seconds.

    0 is what a copy that follows has between two questions; of a stale one it is 0 too, since
    people are told since when it is stale.
    """
    return int(freshness.lag_s) if freshness.is_fresh and freshness.lag_s >= 2 * PROBE_S else 0


@implementer(IInbox)
class Following:
    """
    Follows whoever leads, and folds what it publishes into ``feed``.

    :param exchange: of the role ``follower``, whose links are told of here.
    :param random: jitter of the waits.
    """

    _log = Logger()

    def __init__(
        self,
        feed: Feed[Any, Any],
        clock: IClock,
        exchange: IExchange,
        dialer: IDialer,
        random: Random,
    ) -> None:
        self.feed = feed
        #: What the leader's pages say of the leader; ``None`` before the first copy.
        self.master: MasterShown | None = None
        #: Copies that were taken in, changes that followed them, links that ended.
        self.copies = self.changes = self.ends = 0
        self._clock, self._exchange, self._dialer, self._random = clock, exchange, dialer, random
        self._leader: str | None = None
        #: Whom the copy is of, and up to where.
        self._source, self._epoch, self._seq = "", "", 0
        #: What a copy that is under way will be: epoch, number, and whose it is.
        self._begun: tuple[str, int, MasterShown] | None = None
        self._synced: float | None = None
        self._link: LinkId | None = None
        self._heard = 0.0
        self._building: ClusterState | None = None
        self._unpacking = Unpacking()
        #: Whether all was told on this link once.
        self._is_level = False
        self._failures = 0
        self._hang_up: Callable[[], None] | None = None
        self._again: IDelayedCall | None = None
        self._probing: IDelayedCall | None = None
        self._shown: object = None

    # --- whom to follow -------------------------------------------------------

    def lead(self, leader: str | None) -> None:
        """``leader`` (``host:port``) leads from now on; ``None``: nobody does."""
        if leader != self._leader:
            self._leader, self._failures = leader, 0
            self._stop_dialling()
            self._dial()
        self._look()

    def stop(self) -> None:
        """Follow nobody any more; the copy stays as it is."""
        self._leader = None
        self._stop_dialling()
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None

    def _dial(self) -> None:
        self._again = None
        if self._leader and self._hang_up is None:
            self._hang_up = self._dialer.dial(self._leader)

    def _stop_dialling(self) -> None:
        hang_up, self._hang_up = self._hang_up, None
        if hang_up is not None:
            hang_up()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._link = self._building = None

    def _give_up(self, reason: str) -> None:
        """What the leader says is of no use: try again later, ever more rarely."""
        self._log.error("{leader} cannot be followed: {reason}", leader=self._leader, reason=reason)
        self._stop_dialling()
        longest = min(AGAIN_MAX_S, AGAIN_FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        wait_s = longest * self._random.uniform(0.5, 1.0)
        self._again = self._clock.callLater(wait_s, self._dial)

    @property
    def epoch(self) -> str:
        """Of the feed that is followed; empty while there is no whole copy of one."""
        return self._epoch

    # --- how the copy stands --------------------------------------------------

    def freshness(self) -> Freshness | None:
        """How good the copy is; ``None`` while there is none."""
        if self._synced is None:
            return None
        lag_s = max(0.0, self._clock.seconds() - self._synced)
        is_fresh = self._leader == self._source and lag_s <= STALE_S
        return Freshness(leader=self._source, lag_s=lag_s, is_fresh=is_fresh)

    def _look(self) -> None:
        """Once a second: ask how late we are, notice silence, have what is shown looked at."""
        now = self._clock.seconds()
        if self._link is not None and self._building is None and self._epoch:
            self._exchange.send(self._link, (Probe(now),))
        if self._link is not None and now - self._heard > SILENT_S:
            link, self._link = self._link, None
            self._exchange.close(link, f"nothing heard for {SILENT_S:g} s")
        freshness = self.freshness()
        if freshness is not None:
            shown = (freshness.leader, freshness.is_fresh, behind(freshness))
            if shown != self._shown:
                self._shown = shown
                self.feed.age()
        if self._probing is None or not self._probing.active():
            self._probing = self._clock.callLater(PROBE_S, self._look)

    # --- what the leader says -------------------------------------------------

    def tell(self, stimuli: Sequence[object]) -> None:
        for stimulus in stimuli:
            match stimulus:
                case LinkOpened(link=link):
                    self._opened(link)
                case LinkClosed(link=link, reason=reason) if link == self._link:
                    self._ended(reason)
                case Heard(link=link, message=message) if link == self._link:
                    self._hear(link, message)
                case _:
                    pass

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        return fail(GivenUp("a copy is read, and answers nothing"))

    def has_room(self, resume: Callable[[], None]) -> bool:
        return True

    def _opened(self, link: LinkId) -> None:
        if self._hang_up is None:
            self._exchange.close(link, "no longer wanted")
            return
        self._link, self._building, self._heard = link, None, self._clock.seconds()
        self._is_level = False
        self._exchange.send(link, (Follow(self._epoch, self._seq),))

    def _ended(self, reason: str) -> None:
        self.ends += 1
        self._link = self._building = None
        if not self._is_level:
            # It would be so again: a copy costs the leader something each time.
            self._give_up(f"the link ended before all was told: {reason}")

    def _hear(self, link: LinkId, message: Struct) -> None:
        self._heard = self._clock.seconds()
        try:
            match message:
                case Copying(epoch, seq, master):
                    self._epoch, self._seq = "", seq
                    self._building = ClusterState()
                    self._begun = (epoch, seq, master)
                case Resumed(_, _, master):
                    self._take_over(master)
                case CopyPart() if self._building is not None:
                    self._take_part(link, self._building, message)
                case Published(after, seq, changes) if after == self._seq and not self._building:
                    self._follow(seq, changes)
                case Echo(asked):
                    self._synced, self._is_level, self._failures = asked, True, 0
                case _:
                    self._begin_anew(f"{type(message).__name__} is out of place")
        except Unpackable as fault:
            self._begin_anew(f"what it publishes cannot be read: {fault}")
        except Exception as fault:  # noqa: BLE001 (logged; half of it may be in the copy)
            self._log.failure("what {leader} publishes does not fit", leader=self._leader)
            self._begin_anew(f"what it publishes does not fit the copy: {fault!r}")

    def _begin_anew(self, reason: str) -> None:
        self._epoch, self._seq = "", 0
        self._give_up(reason)

    def _take_part(self, link: LinkId, building: ClusterState, part: CopyPart) -> None:
        for change in self._unpacking.unpack(part.changes):
            building.apply(change)
        if part.is_asking:
            self._exchange.send(link, (CopyPartTaken(),))
        if part.is_last and self._begun is not None:
            self._building = None
            self.copies += 1
            self._epoch, self._seq, master = self._begun
            self._take_over(master)
            self.feed.renew(building)
            self._log.info("the copy of {leader} is whole", leader=self._source)

    def _take_over(self, master: MasterShown) -> None:
        """From now on the copy is of whoever is at the other end."""
        self._source = self._leader or ""
        # The same one as long as it says the same: pages are kept with it.
        if master != self.master:
            self.master = master
        if self._link is not None:
            self._exchange.send(self._link, (Probe(self._clock.seconds()),))

    def _follow(self, seq: int, packed: bytes) -> None:
        changes = self._unpacking.unpack(packed)
        self._seq = seq
        self.changes += len(changes)
        self.feed.publish(changes)
