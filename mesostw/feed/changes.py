"""
The numbered feed: every kept change, once, in order, to every follower.

WebSocket, Server-Sent Events, the operator API's SUBSCRIBE and the name server are
all followers of this one feed; none of them polls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.interfaces import IFeed, IFollower

#: Changes remembered for followers that come back; at 200 bytes each some 10 MB.
FEED_CHANGES_MAX: Final = 50_000

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


class View(Protocol[C_contra]):
    """A state that changes are folded into; the core's own class serves."""

    def apply(self, change: C_contra) -> object:
        """Take one change in; total, never raises on a change that the core made."""


V = TypeVar("V", bound=View)  # type: ignore[type-arg]


class Renewed(Struct, frozen=True):
    """Followers are told this when the whole view was replaced by another."""


class Aged(Struct, frozen=True):
    """Followers are told this when something beside the view is to be looked at again."""


@implementer(IFeed)
class Feed(Generic[V, C]):
    """
    Numbers changes, folds them into ``view``, tells followers, remembers the last ones.

    :param identity: names the state that is followed, such as the master's id, so that
        numbers of another one are never taken for its own.
    """

    _log = Logger()

    def __init__(self, view: V, identity: str = "", changes_max: int = FEED_CHANGES_MAX) -> None:
        self.view = view
        self.seq = 0
        self.epoch = ""
        self._identity = identity
        self._kept: deque[C] = deque(maxlen=changes_max)
        self._followers: dict[int, IFollower] = {}
        self._followed = 0

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    def begin(self, epoch: int) -> None:
        self.epoch = f"{self._identity}-{epoch}" if self._identity else str(epoch)

    def publish(self, changes: Sequence[C]) -> None:
        apply = self.view.apply
        for change in changes:
            apply(change)
        self._kept.extend(changes)
        self._tell_all(changes)

    def renew(self, view: V) -> None:
        """Go on with another view; whoever comes back from before it needs a snapshot."""
        self.view = view
        self._kept.clear()
        self._tell_all((Renewed(),))

    def age(self) -> None:
        """Have followers look again at what they show beside the view."""
        self._kept.clear()
        self._tell_all((Aged(),))

    def _tell_all(self, changes: Sequence[object]) -> None:
        self.seq += len(changes)
        for number, follower in tuple(self._followers.items()):
            if number in self._followers:
                self._tell(number, follower, changes)

    def _tell(self, number: int, follower: IFollower, changes: Sequence[object]) -> None:
        # One follower's bug is no reason to stop the others, or the daemon.
        try:
            follower.changed(self.seq, changes)
        except Exception:  # noqa: BLE001 (logged by Twisted's logger, which ruff does not know)
            self._log.failure("a follower failed and is dropped: {follower}", follower=follower)
            self._followers.pop(number, None)

    def follow(self, follower: IFollower) -> Callable[[], None]:
        self._followed += 1
        number = self._followed
        self._followers[number] = follower

        def leave() -> None:
            self._followers.pop(number, None)

        return leave

    def since(self, epoch: str, seq: int) -> Sequence[C] | None:
        missed = self.seq - seq
        if epoch != self.epoch or not 0 <= missed <= len(self._kept):
            return None
        # From behind: of the many that are kept few are missed, mostly.
        found = tuple(islice(reversed(self._kept), missed))
        return found[::-1]
