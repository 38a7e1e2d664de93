"""The fetcher of real files: each order is one process with the rights of the task's user."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec, file_name, local_path
from mesostw.interfaces import IFetcher
from mesostw.launching.fetching.cache import Cache, Held, Send
from mesostw.launching.fetching.memory import Tell
from mesostw.launching.fetching.processes import FetchFault
from mesostw.launching.starting import SupervisorUnavailable
from mesostw.messages.commands import URI, shown
from mesostw.model.ids import ContainerId
from mesostw.unattended import unattended

#: Orders that are carried out at once; each is a process of about 11 MB.  Others wait.
ORDERS_MAX: Final = 64
#: Cached files that one order has open at once; it brings the others by itself.
HELD_MAX: Final = 16


@implementer(IFetcher)
class Fetcher:
    """
    Carries out orders side by side, and the files of one order one after the other.

    :param send: starts a fetching process (``processes.errands``).
    :param stall_s: silence of a server after which a fetch is given up.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, send: Send, cache: Cache, stall_s: float, tell: Tell
    ) -> None:
        self._clock, self._send, self._cache = clock, send, cache
        self._stall_s, self._tell = stall_s, tell
        self._slots = DeferredSemaphore(ORDERS_MAX)
        self._under_way: dict[ContainerId, Deferred[None]] = {}
        self._stopped = False

    def fetch(self, spec: FetchSpec) -> None:
        container_id = spec.container_id
        if container_id in self._under_way or self._stopped:
            return
        order = self._under_way[container_id] = Deferred.fromCoroutine(self._order(spec))
        unattended(order, lambda failure: self._broken(container_id, failure))

    def cancel(self, container_id: ContainerId) -> None:
        order = self._under_way.pop(container_id, None)
        if order is not None:
            order.cancel()

    def stop(self) -> None:
        """Cancel everything; nothing is told and nothing begun any more."""
        self._stopped = True
        for container_id in list(self._under_way):
            self.cancel(container_id)
        self._cache.close()

    def gauges(self) -> dict[str, float]:
        """What the metrics tell of the cache, by the names that Mesos has for it."""
        return {
            "containerizer/fetcher/cache_size_total_bytes": self._cache.bytes_max,
            "containerizer/fetcher/cache_size_used_bytes": self._cache.used_bytes,
        }

    async def _order(self, spec: FetchSpec) -> None:
        told: Fetched | FetchFailed = Fetched(spec.container_id)
        try:
            await self._carry_out(spec)
        except (FetchFault, OSError, SupervisorUnavailable) as fault:
            told = FetchFailed(spec.container_id, str(fault))
        del self._under_way[spec.container_id]
        self._tell([told])

    def _broken(self, container_id: ContainerId, failure: Failure) -> None:
        """The order was cancelled; or by a fault of ours nobody would hear of its end."""
        if failure.check(CancelledError) is None:
            self._log.failure("a fetch failed by a fault of ours", failure)
            del self._under_way[container_id]
            self._tell([FetchFailed(container_id, failure.getErrorMessage())])

    async def _carry_out(self, spec: FetchSpec) -> None:
        await deferLater(self._clock, 0)
        await self._slots.acquire()
        held: list[Held] = []
        try:
            files = [await self._file(spec, uri, held) for uri in spec.uris]
            job = {
                "kind": "fetch",
                "directory": spec.directory,
                "user": spec.user,
                "stall_s": self._stall_s,
                "files": files,
            }
            await self._send(job, [one.fd for one in held])
        finally:
            for one in held:
                one.release()
            self._slots.release()

    async def _file(self, spec: FetchSpec, uri: URI, held: list[Held]) -> dict[str, Any]:
        """One file as a process is told of it; ``held`` gains it if it is cached."""
        kept = None
        if uri.cache and len(held) < HELD_MAX:
            kept = await self._cache.hold(spec.user or "", uri.value)
        if kept is not None:
            held.append(kept)
        return {
            "value": uri.value,
            "shown": shown(uri.value),
            "path": local_path(uri.value),
            "name": file_name(uri),
            "executable": bool(uri.executable),
            "extract": uri.extract,
            "fd": None if kept is None else kept.fd,
        }
