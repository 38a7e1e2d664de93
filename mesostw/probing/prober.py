"""
The beat of probes: when each asks, how many at once, and what is told of it.

How one asks is somebody else's: the network's or a script's.  So the real prober and the
one of simulations differ in nothing that a core could time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from typing import Final, Protocol, TypeAlias

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from mesostw.core.probes import INTERVAL_MIN_S, Probed, ProbeKey, ProbeSpec
from mesostw.interfaces import IClock, IProber
from mesostw.probing.spreading import Spread

#: Probes under way at once, as in Marathon; the rest waits in order.
CONCURRENT_MAX: Final = 256

Tell: TypeAlias = Callable[[Sequence[Probed]], None]


class Finding(Struct, frozen=True):
    """What came of asking once: the parts of a ``Probed``."""

    status: int | None = None
    error: str = ""
    content_type: str = ""
    body: str = ""


class Asking(Protocol):
    """One probe under way."""

    def cancel(self) -> None:
        """Give it up; its finding is not told."""


#: Asks once as the spec says and calls back once, in a later turn; its timeout is not its
#: own concern.
Ask: TypeAlias = Callable[[ProbeSpec, Callable[[Finding], None]], Asking]


class _Kept:
    """A probe that is kept up."""

    __slots__ = ("asking", "due", "key", "next", "spec", "timeout")

    def __init__(self, key: ProbeKey, spec: ProbeSpec, due: float) -> None:
        self.key = key
        self.spec = spec
        #: When it is, or was, to ask; a fixed beat is counted from here.
        self.due = due
        self.next: IDelayedCall | None = None
        self.asking: Asking | None = None
        self.timeout: IDelayedCall | None = None


@implementer(IProber)
class Prober:
    """
    Keeps probes up.

    :param ask: asks once.
    :param tell: is told of each finding.
    :param concurrent_max: how many may be under way.
    """

    def __init__(
        self, clock: IClock, ask: Ask, tell: Tell, concurrent_max: int = CONCURRENT_MAX
    ) -> None:
        self._clock, self._ask, self._tell = clock, ask, tell
        self._concurrent_max = concurrent_max
        self._spread = Spread()
        self._kept: dict[ProbeKey, _Kept] = {}
        self._waiting: deque[_Kept] = deque()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many ask at this moment."""
        return self._under_way

    def start(self, key: ProbeKey, spec: ProbeSpec) -> None:
        self.stop(key)
        now = self._clock.seconds()
        due = self._spread.book(now + max(spec.delay_s, 0.0), now)
        kept = self._kept[key] = _Kept(key, spec, due)
        kept.next = self._clock.callLater(due - now, self._is_due, kept)

    def stop(self, key: ProbeKey) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        if kept.next is not None:
            kept.next.cancel()
        if kept.asking is not None:
            kept.asking.cancel()
            self._over(kept)
            self._go_on()

    def close(self) -> None:
        self._waiting.clear()
        for key in list(self._kept):
            self.stop(key)

    def _is_due(self, kept: _Kept) -> None:
        kept.next = None
        self._waiting.append(kept)
        self._go_on()

    def _go_on(self) -> None:
        """Let those ask that wait, as many as may; one that was stopped waits for nothing."""
        while self._waiting and self._under_way < self._concurrent_max:
            kept = self._waiting.popleft()
            if self._kept.get(kept.key) is kept:
                self._begin(kept)

    def _begin(self, kept: _Kept) -> None:
        self._under_way += 1
        spec = kept.spec
        if spec.timeout_s > 0:
            kept.timeout = self._clock.callLater(spec.timeout_s, self._too_late, kept)
        kept.asking = self._ask(spec, lambda finding: self._found(kept, finding))

    def _too_late(self, kept: _Kept) -> None:
        kept.timeout = None
        if kept.asking is not None:
            kept.asking.cancel()
        self._found(kept, Finding(error=f"timeout after {kept.spec.timeout_s:g} s"))

    def _over(self, kept: _Kept) -> None:
        self._under_way -= 1
        kept.asking = None
        if kept.timeout is not None:
            kept.timeout.cancel()
            kept.timeout = None

    def _found(self, kept: _Kept, finding: Finding) -> None:
        self._over(kept)
        now = self._clock.seconds()
        interval_s = max(kept.spec.interval_s, INTERVAL_MIN_S)
        beats = 1 if kept.spec.from_end else max(ceil((now - kept.due) / interval_s), 1)
        kept.due = (now if kept.spec.from_end else kept.due) + beats * interval_s
        kept.next = self._clock.callLater(max(kept.due - now, 0.0), self._is_due, kept)
        self._tell([_probed(kept.key, finding)])
        self._go_on()


def _probed(key: ProbeKey, finding: Finding) -> Probed:
    return Probed(
        key=key,
        status=finding.status,
        error=finding.error,
        content_type=finding.content_type,
        body=finding.body,
    )
