"""Bringing notices: a few at a time, again after a while, and an end to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.chronos.flags import NOTICES_MAX
from mesostw.core.chronos.records import Notice
from mesostw.core.chronos.words import Notified
from mesostw.interfaces import IClock, INotifier
from mesostw.notices.deliveries import Delivery, Routes, Undeliverable, deliveries_of
from mesostw.unattended import unattended

#: Before each further attempt; after the last it is given up, a quarter of an hour in all.
RETRY_DELAYS_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
#: Letters and calls under way at the same time.
CONCURRENT_MAX: Final = 16
#: Characters of a fault that are told.
FAULT_CHARS_MAX: Final = 300

#: Brings one delivery, once; fails with :class:`Undeliverable` where no retry helps.
Bring: TypeAlias = Callable[[Delivery], Coroutine[Deferred[Any], Any, None]]
Tell: TypeAlias = Callable[[Notified], None]


@implementer(INotifier)
class Outbox:
    """
    Brings notices by ``bring`` and says by ``tell`` what has become of each, once.

    One that is brought twice at the same time is brought once.
    """

    _log = Logger()

    def __init__(self, clock: IClock, routes: Routes, bring: Bring, tell: Tell) -> None:
        self._clock, self._routes, self._bring, self._tell = clock, routes, bring, tell
        self._slots = DeferredSemaphore(CONCURRENT_MAX)
        self._under_way: dict[str, Deferred[str]] = {}
        self._closed = False

    def bring(self, notice: Notice) -> None:
        """Tell whoever ``notice`` names, trying again for a while."""
        if self._closed or notice.id in self._under_way:
            return
        if len(self._under_way) >= NOTICES_MAX:
            self._tell(Notified(notice.id, False, f"{NOTICES_MAX} others are under way"))
            return
        started = self._under_way[notice.id] = Deferred.fromCoroutine(self._all(notice))
        unattended(self._settle(notice, started), self._broken)

    def close(self) -> None:
        """Bring nothing more; what was not brought is said of no more."""
        self._closed = True
        for work in list(self._under_way.values()):
            work.cancel()
        self._under_way.clear()

    async def _settle(self, notice: Notice, work: Deferred[str]) -> None:
        try:
            detail, delivered = await work, True
        except CancelledError:
            return
        except Exception as fault:  # noqa: BLE001 - whatever it is, the notice has come to its end
            detail, delivered = text_of(fault), False
        if self._closed:
            return
        self._under_way.pop(notice.id, None)
        if not delivered:
            self._log.warn(
                "notice {id} of job {job} is given up: {detail}",
                id=notice.id,
                job=notice.job,
                detail=detail,
            )
        self._tell(Notified(notice.id, delivered, detail))

    async def _all(self, notice: Notice) -> str:
        """Bring all that a notice means; all is tried, also when some of it fails."""
        deliveries = deliveries_of(notice, self._routes)
        if not deliveries:
            raise Undeliverable("there is nobody to tell: the job has no owner")
        legs = [Deferred.fromCoroutine(self._one(delivery)) for delivery in deliveries]
        faults = [fault for fault in await gatherResults(legs, consumeErrors=True) if fault]
        if faults:
            raise Undeliverable("; ".join(faults))
        return "told " + ", ".join(delivery.place for delivery in deliveries)

    async def _one(self, delivery: Delivery) -> str:
        """Bring one, again and again; what stood in the way at last, or nothing."""
        fault: Exception
        for delay_s in (0.0, *RETRY_DELAYS_S):
            if delay_s:
                await deferLater(self._clock, delay_s)
            try:
                await self._slots.run(self._attempt, delivery)
            except Undeliverable as known:
                return f"{delivery.place}: {text_of(known)}"
            except CancelledError:
                raise
            except Exception as failed:  # noqa: BLE001 - a peer may fail in any way
                fault = failed
                self._log.debug("{to}: {fault}", to=delivery.place, fault=text_of(failed))
            else:
                return ""
        return f"{delivery.place}: {text_of(fault)}"

    def _attempt(self, delivery: Delivery) -> Deferred[None]:
        return Deferred.fromCoroutine(self._bring(delivery))

    def _broken(self, failure: Failure) -> None:
        self._log.failure("a notice was lost", failure)


def text_of(fault: Exception) -> str:
    """A fault in one short line."""
    text = " ".join(str(fault).split()) or type(fault).__name__
    return text[:FAULT_CHARS_MAX]
