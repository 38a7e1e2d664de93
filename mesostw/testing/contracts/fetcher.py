"""What :class:`~mesostw.interfaces.IFetcher` promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from zope.interface.verify import verifyObject

from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.interfaces import IFetcher
from mesostw.model.ids import ContainerId

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = object

Told: TypeAlias = Fetched | FetchFailed


class Heard:
    """What a fetcher told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def tell(self, stimuli: Sequence[Told]) -> None:
        self.told += stimuli

    def of(self, container_id: ContainerId) -> list[Told]:
        """What was told of one container."""
        return [told for told in self.told if told.container_id == container_id]


class FetcherContract(Base):
    """Mix into a ``TestCase`` that can say what files there are."""

    def make(self, heard: Heard) -> IFetcher:
        """A fetcher that tells ``heard``."""
        raise NotImplementedError

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until ``condition`` holds; fail if it takes too long."""
        raise NotImplementedError

    async def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        raise NotImplementedError

    def good(self, name: str) -> FetchSpec:
        """An order that can be carried out."""
        raise NotImplementedError

    def bad(self, name: str) -> FetchSpec:
        """An order whose last file is not there."""
        raise NotImplementedError

    def endless(self, name: str) -> FetchSpec:
        """An order that takes longer than any test."""
        raise NotImplementedError

    async def test_interface(self) -> None:
        """It is what it says it is."""
        verifyObject(IFetcher, self.make(Heard()))

    async def test_good(self) -> None:
        """One word when all is there, in a later turn."""
        heard = Heard()
        fetcher = self.make(heard)
        spec = self.good("a")
        fetcher.fetch(spec)
        self.assertEqual(heard.told, [])
        await self.until(lambda: bool(heard.told))
        await self.pass_time(0.2)
        self.assertEqual(heard.told, [Fetched(spec.container_id)])

    async def test_bad(self) -> None:
        """One word that names the file that is missing."""
        heard = Heard()
        fetcher = self.make(heard)
        spec = self.bad("a")
        fetcher.fetch(spec)
        await self.until(lambda: bool(heard.told))
        (told,) = heard.told
        assert isinstance(told, FetchFailed)
        self.assertEqual(told.container_id, spec.container_id)
        self.assertIn(spec.uris[-1].value, told.message)

    async def test_repeated(self) -> None:
        """An order that is under way is not carried out twice."""
        heard = Heard()
        fetcher = self.make(heard)
        spec = self.good("a")
        fetcher.fetch(spec)
        fetcher.fetch(spec)
        await self.until(lambda: bool(heard.told))
        await self.pass_time(0.2)
        self.assertEqual(heard.told, [Fetched(spec.container_id)])

    async def test_cancelled(self) -> None:
        """Nothing is told of an order that was cancelled, at once or later."""
        heard = Heard()
        fetcher = self.make(heard)
        early, late, done = self.good("a"), self.endless("b"), self.good("c")
        fetcher.fetch(early)
        fetcher.cancel(early.container_id)
        fetcher.fetch(late)
        fetcher.fetch(done)
        await self.until(lambda: bool(heard.told))
        fetcher.cancel(late.container_id)
        await self.pass_time(0.2)
        self.assertEqual(heard.told, [Fetched(done.container_id)])

    async def test_nothing_to_cancel(self) -> None:
        """To cancel what was never ordered, or is over, is no error."""
        heard = Heard()
        fetcher = self.make(heard)
        fetcher.cancel(ContainerId("never"))
        spec = self.good("a")
        fetcher.fetch(spec)
        await self.until(lambda: bool(heard.told))
        fetcher.cancel(spec.container_id)
        self.assertEqual(heard.told, [Fetched(spec.container_id)])

    async def test_side_by_side(self) -> None:
        """A slow order does not hold up others; each gets its own end."""
        heard = Heard()
        fetcher = self.make(heard)
        slow = self.endless("slow")
        fetcher.fetch(slow)
        specs = [self.good("a"), self.bad("b"), self.good("c")]
        for spec in specs:
            fetcher.fetch(spec)
        await self.until(lambda: len(heard.told) == len(specs))
        ends = [type(heard.of(spec.container_id)[0]) for spec in specs]
        self.assertEqual(ends, [Fetched, FetchFailed, Fetched])
        fetcher.cancel(slow.container_id)
