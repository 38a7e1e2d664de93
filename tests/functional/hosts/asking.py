"""Clients that ask any of several, as those behind a list of addresses do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random

from tests.functional.chronos.asking import Answer, Client
from tests.functional.marathon import asking


class AnyChronos(Client):
    """
    Asks one Chronos of several, each time another, and none twice.

    :param apart: addresses of those that are cut off from the others.  A leader that is answers
        readers with what it knew when that began, until its session has ended: so readers, who
        are to see what is acknowledged meanwhile, go elsewhere.  Changes are asked of anybody.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        patience_s: float,
        chance: Random,
        apart: Callable[[], Collection[str]],
    ) -> None:
        super().__init__(addresses[0], patience_s)
        self._all = {one: Client(one, patience_s) for one in addresses}
        self._chance, self._apart = chance, apart

    def forget(self, addresses: Collection[str]) -> None:
        """Ask these no more: they are gone for good."""
        self._all = {one: client for one, client in self._all.items() if one not in addresses}

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """Ask whoever it is."""
        apart = self._apart() if method == "GET" else ()
        there = [one for address, one in self._all.items() if address not in apart]
        return self._chance.choice(there).ask(method, path, document)


class AnyMarathon(asking.Marathon):
    """Asks one Marathon of several, each time another, and none twice."""

    def __init__(self, addresses: Sequence[str], patience_s: float, chance: Random) -> None:
        super().__init__(addresses[0], patience_s)
        self._all = {one: asking.Marathon(one, patience_s) for one in addresses}
        self._chance = chance

    def forget(self, addresses: Collection[str]) -> None:
        """Ask these no more: they are gone for good."""
        self._all = {one: client for one, client in self._all.items() if one not in addresses}

    def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> asking.Answer:
        """Ask whoever it is."""
        return self._chance.choice(list(self._all.values())).ask(method, path, document, headers)
