"""How orders wait for each other, with fetching processes that a test ends."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import SkipTest

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.messages.commands import URI
from mesostw.model.ids import ContainerId

try:
    from mesostw.launching.fetching.cache import Cache
    from mesostw.launching.fetching.fetcher import HELD_MAX, ORDERS_MAX, Fetcher
except ModuleNotFoundError as missing:
    raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'") from missing
from tests.launching.test_fetching_cache import Errands


def order(name: str, *uris: URI) -> FetchSpec:
    """An order for one file, or for those given."""
    return FetchSpec(
        container_id=ContainerId(name), uris=uris or (URI(value="/a"),), directory=f"/s/{name}"
    )


class OrderTests(SynchronousTestCase):
    """At most so many at once; each that ends makes way for the next."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.errands = Errands()
        self.told: list[Fetched | FetchFailed] = []
        self.stopped = False
        cache = Cache(self.mktemp(), 1000, 60.0, self.errands.send)
        self.fetcher = Fetcher(self.clock, self.errands.send, cache, 60.0, self.tell)

    def tearDown(self) -> None:
        if not self.stopped:
            self.fetcher.stop()

    def tell(self, told: Sequence[Fetched | FetchFailed]) -> None:
        self.told += told

    def test_slots(self) -> None:
        """The order after the last slot waits; an end, a failure or a cancelled one frees it."""
        for number in range(ORDERS_MAX + 4):
            self.fetcher.fetch(order(f"{number}"))
        self.clock.advance(0)
        self.assertEqual(len(self.errands.sent), ORDERS_MAX)
        self.fetcher.cancel(ContainerId(f"{ORDERS_MAX + 3}"))
        self.errands.answer(1)
        self.errands.refuse()
        self.assertEqual(len(self.errands.sent), ORDERS_MAX + 2)
        self.fetcher.cancel(ContainerId("2"))
        self.assertEqual(len(self.errands.sent), ORDERS_MAX + 3)
        self.assertEqual(
            self.told, [Fetched(ContainerId("0")), FetchFailed(ContainerId("1"), "no")]
        )

    def test_stopped(self) -> None:
        """When it has stopped nothing is begun and nothing told."""
        self.fetcher.fetch(order("a"))
        self.clock.advance(0)
        self.fetcher.stop()
        self.fetcher.fetch(order("b"))
        self.clock.advance(0)
        self.assertEqual((len(self.errands.sent), self.errands.cancelled), (1, ["fetch"]))
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))
        self.stopped = True

    def test_process_not_started(self) -> None:
        """When no process can be started the order fails with the system's words."""

        def full(job: object, fds: object) -> Deferred[int | None]:
            raise OSError(24, "Too many open files")

        cache = Cache(self.mktemp(), 1000, 60.0, full)
        fetcher = Fetcher(self.clock, full, cache, 60.0, self.tell)
        fetcher.fetch(order("a"))
        self.clock.advance(0)
        (told,) = self.told
        assert isinstance(told, FetchFailed)
        self.assertIn("Too many open files", told.message)
        fetcher.stop()

    def test_fault_of_ours(self) -> None:
        """A bug ends the order too, with its words, and is logged."""

        def broken(job: object, fds: object) -> Deferred[int | None]:
            raise ZeroDivisionError("bug")

        cache = Cache(self.mktemp(), 1000, 60.0, broken)
        fetcher = Fetcher(self.clock, broken, cache, 60.0, self.tell)
        fetcher.fetch(order("a"))
        fetcher.fetch(order("b", URI(value="/b", cache=True)))
        self.clock.advance(0)
        self.assertEqual(
            self.told,
            [FetchFailed(ContainerId("a"), "bug"), FetchFailed(ContainerId("b"), "bug")],
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)
        fetcher.stop()

    def test_few_files_held(self) -> None:
        """One order holds so many cached files open; it brings the others by itself."""
        uris = [URI(value=f"/{number}", cache=True) for number in range(HELD_MAX + 1)]
        self.fetcher.fetch(order("a", *uris))
        self.clock.advance(0)
        for _ in range(HELD_MAX * 2):
            self.errands.answer(1)
        ((job, _),) = self.errands.open
        without = [file["value"] for file in job["files"] if file["fd"] is None]
        self.assertEqual((job["kind"], without), ("fetch", [f"/{HELD_MAX}"]))
        self.errands.answer(1)
        self.assertEqual(self.told, [Fetched(ContainerId("a"))])
