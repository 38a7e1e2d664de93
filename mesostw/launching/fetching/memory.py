"""Files that are only pretended to be brought, in virtual time, for simulations and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.interfaces import IFetcher
from mesostw.model.ids import ContainerId


class Tell(Protocol):
    """Where a fetcher tells what became of its orders."""

    def __call__(self, stimuli: Sequence[Fetched | FetchFailed], /) -> None: ...


class Trip(Struct, frozen=True):
    """What becomes of one order."""

    #: From the order to its end.
    takes_s: float = 0.05
    #: Why it fails; ``None`` if it succeeds.
    fault: str | None = None


def short_trip(spec: FetchSpec) -> Trip:
    """Everything is there after a moment."""
    return Trip()


@implementer(IFetcher)
class MemoryFetcher:
    """
    A fetcher that brings nothing.

    An agent that is killed is one whose clock has ended: then nothing is told any more.

    :param script: says what becomes of each order.
    """

    def __init__(
        self, clock: IReactorTime, tell: Tell, script: Callable[[FetchSpec], Trip] = short_trip
    ) -> None:
        self._clock, self._tell, self._script = clock, tell, script
        self._under_way: dict[ContainerId, IDelayedCall] = {}

    def fetch(self, spec: FetchSpec) -> None:
        container_id = spec.container_id
        if container_id not in self._under_way:
            trip = self._script(spec)
            self._under_way[container_id] = self._clock.callLater(
                trip.takes_s, self._over, container_id, trip.fault
            )

    def cancel(self, container_id: ContainerId) -> None:
        trip = self._under_way.pop(container_id, None)
        if trip is not None:
            trip.cancel()

    def _over(self, container_id: ContainerId, fault: str | None) -> None:
        del self._under_way[container_id]
        if fault is None:
            self._tell([Fetched(container_id)])
        else:
            self._tell([FetchFailed(container_id, fault)])
