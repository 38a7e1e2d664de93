"""Clients that ask any of several, as those behind a list of addresses do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from tests.functional.chronos.asking import Answer, Client
from tests.functional.marathon import asking


class AnyChronos(Client):
    """Asks one Chronos of several, each time another, and none twice."""

    def __init__(self, addresses: Sequence[str], patience_s: float, chance: Random) -> None:
        super().__init__(addresses[0], patience_s)
        self._all = [Client(one, patience_s) for one in addresses]
        self._chance = chance

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """Ask whoever it is."""
        return self._chance.choice(self._all).ask(method, path, document)


class AnyMarathon(asking.Marathon):
    """Asks one Marathon of several, each time another, and none twice."""

    def __init__(self, addresses: Sequence[str], patience_s: float, chance: Random) -> None:
        super().__init__(addresses[0], patience_s)
        self._all = [asking.Marathon(one, patience_s) for one in addresses]
        self._chance = chance

    def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> asking.Answer:
        """Ask whoever it is."""
        return self._chance.choice(self._all).ask(method, path, document, headers)
