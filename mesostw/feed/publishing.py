"""
The leader's side of copies in other processes: whoever follows is told every change.

No core hears of followers, and what one costs depends on nothing but the changes: what is
published within ``FLUSH_S`` is packed once for all who know what is before it.

Note [Behind]
    Nothing is kept for a follower.  Who is being sent the copy, or does not read, has its
    number only, and is told the rest from the feed's memory when it can take more.  Who is
    behind that memory is hung up on, comes back and begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, cast

from msgspec import Struct
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.core.master.changes import MasterChange
from mesostw.core.master.copying import rebuilding
from mesostw.core.outcome import Heard, LinkClosed, LinkCrowded, LinkEased, LinkOpened
from mesostw.feed.packing import pack
from mesostw.interfaces import GivenUp, IBusExchange, IClock, IFeed, IFollower, IInbox
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
from mesostw.wire.codec import encode
from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import FRAME_BYTES_MAX

#: Seconds for which changes are gathered before they are packed.
FLUSH_S: Final = 0.05
#: Changes in one frame; some 2 ms to pack and, of usual ones, 500 kB.
FRAME_CHANGES_MAX: Final = 1000
#: Of packed changes in one frame: under what a frame may have.
PACKED_BYTES_MAX: Final = FRAME_BYTES_MAX - 1024
#: Followers at a time: masters that wait and a few gateways.
FOLLOWERS_MAX: Final = 32


class _Reader:
    """One follower: up to where it knows the feed, and what holds it up."""

    __slots__ = ("address", "asked", "at", "is_crowded", "parts")

    def __init__(self, address: str) -> None:
        #: Where its own HTTP answers.
        self.address = address
        #: All up to here has been said; ``None`` before it said where it is.
        self.at: int | None = None
        #: What it has still to be sent of the copy.
        self.parts: Iterator[MasterChange] | None = None
        self.is_crowded = False
        #: Of a probe that waits until it has been told all.
        self.asked: float | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it takes what is published."""
        return self.at is not None and self.parts is None and not self.is_crowded


@implementer(IInbox, IFollower)
class Publishing:
    """
    Tells followers what a feed publishes.

    :param shown: what the master's pages say of the master itself.
    """

    _log = Logger()

    def __init__(
        self, feed: IFeed, exchange: IBusExchange, clock: IClock, shown: Callable[[], MasterShown]
    ) -> None:
        self._feed, self._exchange, self._clock, self._shown = feed, exchange, clock, shown
        self._readers: dict[LinkId, _Reader] = {}
        self._flush_due: IDelayedCall | None = None
        #: Copies that were begun, and changes that were packed.
        self.copies = self.packed = 0
        self._stop = feed.follow(self)

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._readers)

    @property
    def addresses(self) -> Sequence[str]:
        """Where those answer that follow, ``host:port`` each, in order."""
        return sorted({reader.address for reader in self._readers.values()})

    def stop(self) -> None:
        """Tell nobody anything more."""
        self._stop()
        self._readers.clear()
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None

    # --- the feed -------------------------------------------------------------

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        if self._readers and self._flush_due is None:
            self._flush_due = self._clock.callLater(FLUSH_S, self._flush_now)

    def _flush_now(self) -> None:
        self._flush_due = None
        self._flush()

    def _flush(self) -> None:
        seq, ready = int(self._feed.seq), dict[int, list[LinkId]]()
        for link, reader in self._readers.items():
            if reader.is_ready and reader.at is not None and reader.at < seq:
                ready.setdefault(reader.at, []).append(link)
        for at, links in ready.items():
            frames = self._frames_after(at)
            for link in links:
                if frames is None:
                    self._exchange.close(link, "too far behind to be told the rest")
                else:
                    self._readers[link].at = seq
                    self._exchange.send_frames(link, frames)

    def _frames_after(self, at: int) -> list[bytes] | None:
        """What was published after ``at``; ``None`` if that is not remembered, or no frame."""
        found = self._feed.since(self._feed.epoch, at)
        if found is None:
            return None
        changes = cast("Sequence[MasterChange]", found)
        self.packed += len(changes)
        frames = []
        try:
            for first in range(0, len(changes), FRAME_CHANGES_MAX):
                for count, packed in _cut(changes[first : first + FRAME_CHANGES_MAX]):
                    frames.append(encode(Published(at, at + count, packed)))
                    at += count
        except MalformedFrame as fault:
            self._log.error("followers cannot be told of a change: {fault}", fault=fault)
            return None
        return frames

    # --- followers ------------------------------------------------------------

    def tell(self, stimuli: Sequence[object]) -> None:
        for stimulus in stimuli:
            match stimulus:
                case LinkOpened(link=link, address=address):
                    self._readers[link] = _Reader(address)
                    if len(self._readers) > FOLLOWERS_MAX:
                        self._exchange.close(link, f"over {FOLLOWERS_MAX} followers")
                case LinkClosed(link=link):
                    self._readers.pop(link, None)
                case LinkCrowded(link=link) if link in self._readers:
                    self._readers[link].is_crowded = True
                case LinkEased(link=link) if link in self._readers:
                    self._readers[link].is_crowded = False
                    self._caught_up(link, self._readers[link])
                case Heard(link=link, message=message) if link in self._readers:
                    self._hear(link, self._readers[link], message)
                case _:
                    pass

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        return fail(GivenUp("followers are told, and answer nothing"))

    def has_room(self, resume: Callable[[], None]) -> bool:
        return True

    def _hear(self, link: LinkId, reader: _Reader, message: Struct) -> None:
        match message:
            case Follow(epoch, seq) if reader.at is None:
                self._begin(link, reader, epoch, seq)
            case CopyPartTaken() if reader.parts is not None:
                self._next_part(link, reader, reader.parts)
            case Probe(asked) if reader.at is not None:
                reader.asked = asked
                self._caught_up(link, reader)
            case _:
                self._exchange.close(link, f"{type(message).__name__} is out of place")

    def _begin(self, link: LinkId, reader: _Reader, epoch: str, seq: int) -> None:
        feed = self._feed
        if not feed.epoch:
            self._exchange.close(link, "the master has not finished its recovery")
            return
        if feed.since(epoch, seq) is not None:
            reader.at = seq
            self._exchange.send(link, (Resumed(feed.epoch, seq, self._shown()),))
            self._caught_up(link, reader)
            return
        self.copies += 1
        reader.at = int(feed.seq)
        reader.parts = parts = rebuilding(feed.view)
        self._exchange.send(link, (Copying(feed.epoch, reader.at, self._shown()),))
        self._next_part(link, reader, parts)

    def _next_part(self, link: LinkId, reader: _Reader, parts: Iterator[MasterChange]) -> None:
        some = tuple(islice(parts, FRAME_CHANGES_MAX))
        is_last = len(some) < FRAME_CHANGES_MAX
        try:
            pieces = [packed for _, packed in _cut(some)]
        except MalformedFrame as fault:
            self._log.error("a copy cannot be sent: {fault}", fault=fault)
            self._exchange.close(link, "the copy cannot be sent")
            return
        messages = [CopyPart(piece, is_asking=False, is_last=False) for piece in pieces[:-1]]
        messages.append(CopyPart(pieces[-1], is_asking=not is_last, is_last=is_last))
        self._exchange.send(link, messages)
        if is_last:
            reader.parts = None
            self._caught_up(link, reader)

    def _caught_up(self, link: LinkId, reader: _Reader) -> None:
        """Say what a reader has not been told, and then that it has been told all."""
        if reader.is_ready:
            self._flush()
            if reader.asked is not None:
                self._exchange.send(link, (Echo(reader.asked),))
                reader.asked = None


def _cut(changes: Sequence[MasterChange]) -> list[tuple[int, bytes]]:
    """
    ``changes`` packed, in pieces that each fit a frame, with how many are in each.

    :raises MalformedFrame: one change alone is larger than a frame.
    """
    packed = pack(changes)
    if len(packed) <= PACKED_BYTES_MAX:
        return [(len(changes), packed)]
    if len(changes) == 1:
        message = f"{type(changes[0]).__name__} of {len(packed)} bytes"
        raise MalformedFrame(message)
    half = len(changes) // 2
    return [*_cut(changes[:half]), *_cut(changes[half:])]
