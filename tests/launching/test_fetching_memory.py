"""The pretended fetcher keeps what every fetcher promises."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import TestCase

from mesostw.core.agent.fetches import FetchSpec
from mesostw.launching.fetching.memory import MemoryFetcher, Trip
from mesostw.messages.commands import URI
from mesostw.model.ids import ContainerId
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import fetcher as contracts

TRIPS = {
    "/good": Trip(),
    "/bad": Trip(fault="/bad: there is no such file"),
    "/endless": Trip(takes_s=1e9),
}


def order(name: str, path: str) -> FetchSpec:
    """An order that the script knows by its only file."""
    uris = (URI(value=path),)
    return FetchSpec(container_id=ContainerId(name), uris=uris, directory=f"/sandbox/{name}")


class MemoryFetcherTests(contracts.FetcherContract, TestCase):
    """Files in virtual time."""

    def setUp(self) -> None:
        self.clock = HeapClock()

    def make(self, heard: contracts.Heard) -> MemoryFetcher:
        return MemoryFetcher(self.clock, heard.tell, lambda spec: TRIPS[spec.uris[0].value])

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1000):
            if condition():
                return
            self.clock.advance(0.001)
        self.fail("it took too long")

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def good(self, name: str) -> FetchSpec:
        return order(name, "/good")

    def bad(self, name: str) -> FetchSpec:
        return order(name, "/bad")

    def endless(self, name: str) -> FetchSpec:
        return order(name, "/endless")
