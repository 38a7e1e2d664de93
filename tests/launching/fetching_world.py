"""A web server, sandboxes and a real fetcher, for tests."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.launching.fetching.cache import Cache
from mesostw.launching.fetching.fetcher import Fetcher
from mesostw.launching.fetching.processes import errands
from mesostw.messages.commands import URI
from mesostw.model.ids import ContainerId
from mesostw.testing.contracts import fetcher as contracts

#: Far more than anything here takes on a busy machine.
PATIENCE_S = 60.0


def tar_of(name: str, content: bytes) -> bytes:
    """A tar file of one member."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, BytesIO(content))
    return file.getvalue()


class Web(Resource):
    """
    Answers ``/NAME`` with the bytes of a table, and counts.

    Some names are special: ``endless`` sends a little and then nothing, ``short`` promises more
    than it sends, ``moved`` and ``ftp`` send on, ``secret`` wants a password, ``broken`` is 500.
    """

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True
        self.files: dict[str, bytes] = {"plain": b"hello\n"}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, Any] = {}

    def render(self, request: Request) -> Any:
        name = request.path.decode().rpartition("/")[2]
        self.asked[f"{request.method.decode()} {name}"] += 1
        self.headers[name] = request.requestHeaders
        special = getattr(self, f"render_{name}", None)
        if special is not None:
            return special(request)
        content = self.files.get(name)
        if content is None:
            request.setResponseCode(404)
            return b"no\n"
        request.setHeader(b"Content-Length", str(len(content)).encode())
        return content

    def render_endless(self, request: Request) -> Any:
        request.write(b"so far")
        return NOT_DONE_YET

    def render_short(self, request: Request) -> Any:
        request.setHeader(b"Content-Length", b"100")
        request.write(b"less")
        transport = request.transport
        assert transport is not None
        transport.loseConnection()
        return NOT_DONE_YET

    def render_moved(self, request: Request) -> bytes:
        request.redirect(b"/plain")
        return b""

    def render_ftp(self, request: Request) -> bytes:
        request.redirect(b"ftp://localhost/plain")
        return b""

    def render_inside(self, request: Request) -> bytes:
        request.redirect(b"file:///etc/passwd")
        return b""

    def render_broken(self, request: Request) -> bytes:
        request.setResponseCode(500)
        return b""

    def render_unsized(self, request: Request) -> bytes:
        request.write(b"who knows how much\n")
        request.finish()
        return NOT_DONE_YET  # type: ignore[return-value]


class FetchingTestCase(TestCase):
    """A server on a free port, and one directory for everything."""

    timeout = 180
    cache_bytes = 1_000_000
    stall_s = 30.0
    environment: Mapping[str, str] = MappingProxyType({})

    def setUp(self) -> None:
        if find_spec("prctl") is None:
            raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")
        # Not in trial's directory, which other users may not enter.
        self.top = tempfile.mkdtemp(prefix="mesostw-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        os.chmod(self.top, 0o755)
        self.web = Web()
        site = Site(self.web)
        self.port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.address = f"http://127.0.0.1:{self.port.getHost().port}"
        self.fetchers: list[Fetcher] = []
        self.caches: list[Cache] = []

    async def tearDown(self) -> None:
        for fetcher in self.fetchers:
            fetcher.stop()
        await self.port.stopListening()
        # Time for the server's connections and for killed processes to end.
        for _ in range(200):
            await self.pass_time(0.01)
            if not any("mesostw" in type(one).__module__ for one in reactor.getReaders()):
                break
        await self.pass_time(0.05)

    def make(self, heard: contracts.Heard) -> Fetcher:
        send = errands(reactor, self.environment)
        cache = Cache(f"{self.top}/cache", self.cache_bytes, self.stall_s, send)
        fetcher = Fetcher(reactor, send, cache, self.stall_s, heard.tell)
        self.fetchers.append(fetcher)
        self.caches.append(cache)
        return fetcher

    def heard(self) -> contracts.Heard:
        """Who a fetcher tells."""
        return contracts.Heard()

    async def until(self, condition: Callable[[], bool]) -> None:
        last = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > last:
                self.fail("it took too long")
            await self.pass_time(0.005)

    async def pass_time(self, seconds: float) -> None:
        await deferLater(reactor, seconds)

    def sandbox(self, name: str) -> str:
        return f"{self.top}/executors/{name}/runs/{name}"

    def spec(self, name: str, *uris: URI, user: str | None = None) -> FetchSpec:
        """An order for a sandbox of this test."""
        return FetchSpec(
            container_id=ContainerId(name), uris=uris, directory=self.sandbox(name), user=user
        )

    def url(self, name: str, content: bytes | None = None, **others: Any) -> URI:
        """A file of the server."""
        if content is not None:
            self.web.files[name] = content
        return URI(value=f"{self.address}/{name}", **others)

    async def bring(self, spec: FetchSpec) -> Fetched | FetchFailed:
        """Carry out one order to its end."""
        heard = contracts.Heard()
        self.make(heard).fetch(spec)
        await self.until(lambda: bool(heard.told))
        return heard.told[0]

    async def brought(self, spec: FetchSpec) -> Path:
        """Carry out an order that succeeds; its sandbox."""
        self.assertEqual(await self.bring(spec), Fetched(spec.container_id))
        return Path(spec.directory)

    async def refused(self, spec: FetchSpec) -> str:
        """Carry out an order that fails; why."""
        told = await self.bring(spec)
        assert isinstance(told, FetchFailed), told
        return told.message
