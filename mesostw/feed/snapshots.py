"""
``GET /api/v1/snapshot/<topic>``: a whole table by column, cached, compressed in a thread.

A thousand browsers that reconnect at once cost one build: what was built in the last
second is old enough for everyone, since the live socket brings each up from there.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import NOT_FOUND
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from mesostw.feed.live import Live
from mesostw.feed.tables import Table
from mesostw.unattended import unattended

#: For so long a built snapshot serves everyone, in seconds.
SNAPSHOT_AGE_S: Final = 1.0
#: Bodies under this size are not worth compressing.
GZIP_BYTES_MIN: Final = 1024
GZIP_LEVEL: Final = 3

#: Runs the call elsewhere and fires with its result: ``deferToThread``, or a test's own.
Offload = Callable[[Callable[[bytes], bytes], bytes], Deferred[bytes]]


def at_once(call: Callable[[bytes], bytes], body: bytes) -> Deferred[bytes]:
    """An offload that stays here; for tests and small clusters."""
    return succeed(call(body))


def columnar(epoch: str, table: Table) -> bytes:
    """The whole of ``table`` as JSON, by column."""
    return msgspec.json.encode(
        {
            "v": 1,
            "epoch": epoch,
            "seq": table.sent,
            "n": len(table.rows),
            "h": list(table.rows),
            "cols": table.columnar(),
            "enums": table.enums,
        }
    )


class _Built:
    """A body and its compressed form, which is made once if anyone asks."""

    def __init__(self, tag: bytes, body: bytes, built: float) -> None:
        self.tag, self.body, self.built = tag, body, built
        self.compressed: Deferred[bytes] | None = None
        self.gz: bytes | None = None


class Snapshots:
    """The last snapshot of each topic."""

    def __init__(self, live: Live, seconds: Callable[[], float], offload: Offload) -> None:
        self._live, self._seconds, self._offload = live, seconds, offload
        self._built: dict[str, _Built] = {}

    def get(self, topic: str) -> _Built | None:
        """A snapshot at most ``SNAPSHOT_AGE_S`` old; ``None`` for an unknown topic."""
        if not self._live.knows(topic):
            return None
        now, built = self._seconds(), self._built.get(topic)
        if built is None or now - built.built > SNAPSHOT_AGE_S:
            table = self._live.current(topic)
            epoch = self._live.epoch
            tag = f'"{epoch}.{topic}.{table.sent}"'.encode()
            if built is None or built.tag != tag:
                built = _Built(tag, columnar(epoch, table), now)
                self._built[topic] = built
            built.built = now
        return built

    async def compressed(self, built: _Built) -> bytes:
        """The gzip form, made by the first who asks; others wait for the same."""
        if built.gz is None:
            if built.compressed is None:
                built.compressed = self._offload(_gzip, built.body)
                built.gz = await built.compressed
                return built.gz
            waiting: Deferred[bytes] = Deferred()
            _ = built.compressed.addBoth(_also(waiting))
            return await waiting
        return built.gz


class SnapshotResource(Resource):
    """Serves :class:`Snapshots`; the topic is the rest of the path."""

    _log = Logger()

    def __init__(self, snapshots: Snapshots) -> None:
        super().__init__()
        self.isLeaf = True
        self._snapshots = snapshots

    def render_GET(self, request: Request) -> bytes | int:
        topic = b"/".join(request.postpath or []).strip(b"/").decode("utf-8", "replace")
        built = self._snapshots.get(topic)
        if built is None:
            request.setResponseCode(NOT_FOUND)
            request.setHeader(b"content-type", b"application/json")
            return b'{"message":"no such topic"}'
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-cache")
        request.setHeader(b"vary", b"accept-encoding")
        if request.setETag(built.tag):
            return b""
        accepted = request.getHeader(b"accept-encoding") or b""
        if b"gzip" not in accepted or len(built.body) < GZIP_BYTES_MIN:
            return built.body
        unattended(self._compressed(request, built), lambda fault: self._failed(request, fault))
        return NOT_DONE_YET

    async def _compressed(self, request: Request, built: _Built) -> None:
        gone: list[Failure] = []
        _ = request.notifyFinish().addErrback(gone.append)
        body = await self._snapshots.compressed(built)
        if not gone:
            request.setHeader(b"content-encoding", b"gzip")
            request.setHeader(b"content-length", str(len(body)).encode())
            request.write(body)
            request.finish()

    def _failed(self, request: Request, fault: Failure) -> None:
        self._log.failure("{uri}: no snapshot", fault, uri=request.uri)
        request.setResponseCode(500)
        request.finish()


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _also(waiting: Deferred[bytes]) -> Callable[[Any], Any]:
    def told(result: Any) -> Any:
        if isinstance(result, Failure):
            waiting.errback(result)
        else:
            waiting.callback(result)
        return result

    return told
