"""The cache: one download for many, room made for new files, and ways around it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.fetches import Fetched

try:
    from mesostw.launching.fetching.cache import Cache, Held
    from mesostw.launching.fetching.processes import FetchFault
except ModuleNotFoundError as missing:
    raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'") from missing
from tests.launching.fetching_world import FetchingTestCase, tar_of


class Errands:
    """Fetching processes that only the test ends."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.open: list[tuple[Mapping[str, Any], Deferred[int | None]]] = []
        self.cancelled: list[str] = []

    def send(self, job: Mapping[str, Any], fds: Sequence[int]) -> Deferred[int | None]:
        self.sent.append((job["kind"], job.get("value", "")))
        done: Deferred[int | None] = Deferred(lambda _: self.cancelled.append(job["kind"]))
        self.open.append((job, done))
        return done

    def answer(self, size: int | None) -> None:
        """End the oldest process: with a size, and what was to be stored is stored."""
        job, done = self.open.pop(0)
        if job["kind"] == "store":
            os.write(job["fd"], b"x" * job["size"])
        done.callback(size)

    def refuse(self) -> None:
        """End the oldest process without what was wanted."""
        self.open.pop(0)[1].errback(FetchFault("no"))


class CacheTests(SynchronousTestCase):
    """The bookkeeping, with processes that a test ends."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.errands = Errands()
        self.cache = Cache(str(self.directory), 100, 60.0, self.errands.send)
        self.addCleanup(self.cache.close)

    def hold(self, name: str, user: str = "me") -> Deferred[Held | None]:
        return Deferred.fromCoroutine(self.cache.hold(user, f"http://h/{name}"))

    def kept(self, name: str, size: int) -> Held:
        """A file that comes without trouble."""
        holding = self.hold(name)
        self.errands.answer(size)
        self.errands.answer(size)
        held = self.successResultOf(holding)
        assert held is not None
        return held

    def files(self) -> list[str]:
        return sorted(one.name for one in self.directory.iterdir())

    def test_one_for_all(self) -> None:
        """Who wants a file that is coming waits for it; who comes later has it at once."""
        first, second = self.hold("a"), self.hold("a")
        self.errands.answer(5)
        self.errands.answer(5)
        third = self.hold("a")
        for holding in (first, second, third):
            held = self.successResultOf(holding)
            assert held is not None
            self.assertEqual(os.read(held.fd, 100), b"xxxxx")
            held.release()
        kinds = [kind for kind, _ in self.errands.sent]
        self.assertEqual((kinds, self.cache.used_bytes), (["measure", "store"], 5))

    def test_users_apart(self) -> None:
        """Another user's file of the same URI is another file."""
        self.kept("a", 5).release()
        other = self.hold("a", "you")
        self.assertEqual(len(self.errands.open), 1)
        self.errands.refuse()
        self.assertIsNone(self.successResultOf(other))
        self.assertEqual(self.cache.used_bytes, 5)

    def test_unused_make_room(self) -> None:
        """The longest unused file goes first, and one that is used never."""
        used = self.kept("used", 40)
        self.kept("old", 30).release()
        self.kept("new", 30).release()
        again = self.successResultOf(self.hold("old"))
        assert again is not None
        again.release()
        self.kept("more", 30).release()
        self.assertEqual(self.cache.used_bytes, 100)
        self.assertEqual(self.files(), ["file-1", "file-2", "file-4"])
        used.release()

    def test_does_not_fit(self) -> None:
        """What cannot fit is not kept, and nothing is removed for it in vain."""
        used = self.kept("used", 60)
        self.kept("old", 30).release()
        for size in (101, 41):
            holding = self.hold("large")
            self.errands.answer(size)
            self.assertIsNone(self.successResultOf(holding))
        self.assertEqual(self.cache.used_bytes, 90)
        used.release()

    def test_no_size(self) -> None:
        """What does not tell its size is not kept."""
        holding = self.hold("a")
        self.errands.answer(None)
        self.assertIsNone(self.successResultOf(holding))
        self.assertEqual((self.files(), self.cache.used_bytes), ([], 0))

    def test_failed(self) -> None:
        """A failure is everybody's who waited, takes no room, and is forgotten."""
        holding = [self.hold("a"), self.hold("a")]
        self.errands.answer(5)
        self.errands.refuse()
        self.assertEqual([self.successResultOf(one) for one in holding], [None, None])
        self.assertEqual((self.files(), self.cache.used_bytes), ([], 0))
        self.kept("a", 5).release()

    def test_removed_by_others(self) -> None:
        """A kept file that somebody has removed takes no room, and is brought again."""
        self.kept("a", 5).release()
        (self.directory / "file-1").unlink()
        self.assertIsNone(self.successResultOf(self.hold("a")))
        self.assertEqual(self.cache.used_bytes, 0)
        self.kept("a", 5).release()

    def test_cancelled(self) -> None:
        """Who gives up does not spoil it for others; when all have, the process is ended."""
        first, second = self.hold("a"), self.hold("a")
        self.errands.answer(5)
        first.cancel()
        self.failureResultOf(first)
        self.assertEqual(self.errands.cancelled, [])
        second.cancel()
        self.failureResultOf(second)
        self.assertEqual(self.errands.cancelled, ["store"])
        self.assertEqual((self.files(), self.cache.used_bytes), ([], 0))

    def test_emptied_at_start(self) -> None:
        """What an earlier life left is removed, and nothing that is not the cache's."""
        self.kept("a", 5).release()
        (self.directory / "notes").write_text("mine")
        Cache(str(self.directory), 100, 60.0, self.errands.send).close()
        self.assertEqual(self.files(), ["notes"])
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)


class CachedFilesTests(FetchingTestCase):
    """The cache with real processes."""

    cache_bytes = 1000

    async def test_kept(self) -> None:
        """Two tasks at once and one later: one download, and each file is as it should be."""
        content = tar_of("inner", b"x")
        plain = self.url("plain", cache=True, output_file="b/c")
        uris = plain, self.url("a.tgz", content, cache=True), self.url("plain", cache=True)
        heard = self.heard()
        fetcher = self.make(heard)
        for name in ("a", "b"):
            fetcher.fetch(self.spec(name, *uris))
        await self.until(lambda: len(heard.told) == 2)
        fetcher.fetch(self.spec("c", *uris))
        await self.until(lambda: len(heard.told) == 3)
        self.assertEqual({type(told) for told in heard.told}, {Fetched})
        for name in ("a", "b", "c"):
            there = Path(self.sandbox(name))
            self.assertEqual((there / "b/c").read_bytes(), b"hello\n")
            self.assertEqual((there / "plain").read_bytes(), b"hello\n")
            self.assertEqual((there / "inner").read_bytes(), b"x")
            self.assertFalse((there / "a.tgz").exists())
        asked = {"GET plain": 1, "HEAD plain": 1, "GET a.tgz": 1, "HEAD a.tgz": 1}
        self.assertEqual(self.web.asked, asked)
        self.assertEqual(self.caches[0].used_bytes, len(content) + 6)

    async def test_too_large(self) -> None:
        """A file that does not fit is brought directly."""
        uri = self.url("large", bytes(2000), cache=True)
        there = await self.brought(self.spec("a", uri))
        self.assertEqual((there / "large").stat().st_size, 2000)
        self.assertEqual(self.caches[0].used_bytes, 0)

    async def test_missing(self) -> None:
        """The cause of a failure is that of the direct download, with the URI."""
        uri = self.url("missing", cache=True)
        why = await self.refused(self.spec("a", uri))
        self.assertEqual(why, f"{uri.value}: the server answers 404 Not Found")

    async def test_liar(self) -> None:
        """A file that is not as large as was promised is not kept."""
        why = await self.refused(self.spec("a", self.url("short", cache=True)))
        self.assertIn("4 bytes came where 100 were promised", why)
        self.assertEqual(self.caches[0].used_bytes, 0)
