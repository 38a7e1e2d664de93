"""Somebody who looks again and again who leads, and whether everything is there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from tests.functional.chronos.nemesis import Harm
from tests.functional.hosts.leaders import LEADERS, get, masters_acting
from tests.functional.hosts.looking import LOOK_S, PATIENCE_S, Looking
from tests.functional.hosts.streets import Streets

FRAMEWORKS: Final = frozenset({"chronos", "marathon", "witness"})
#: How long two masters may both say that they lead: one that was stopped and has just gone on.
BOTH_S: Final = 1.0


class Look(Struct, frozen=True):
    """
    What was seen at a moment.

    :param leaders: masters that said so, and said so again when all had been asked.
    :param serves: whether one of them has an agent and the frameworks, and neither it nor who
        leads those is cut off from the others.
    :param whole: whether it has all agents too.
    """

    wall: float
    leaders: tuple[str, ...]
    serves: bool
    whole: bool


class Recovery(Struct, frozen=True, kw_only=True):
    """What a fault did to whether the cluster serves; in seconds."""

    kind: str
    #: The longest time, from its beginning to its end, in which nothing could be had.
    unserved_s: float
    #: From its end until everything was there; ``None`` is never.
    whole_s: float | None
    #: The longest time, from its beginning until everything was there, in which no task began.
    pause_s: float = 0.0


class Lookout(Looking):
    """Looks who leads."""

    def __init__(self, town: Streets) -> None:
        super().__init__()
        self._town = town
        self.looks: list[Look] = []
        #: Agents that are to be there.
        self.agents = len(town.of_role("agent"))

    def look_again(self) -> None:
        self.looks.append(self.look())

    def look(self) -> Look:
        """Once."""
        leaders = masters_acting(self._town)
        if len(leaders) > 1:
            again = masters_acting(self._town)
            leaders = [one for one in leaders if one in again]
        there = self._there("master")
        views = [view for one in leaders if one in there and (view := _view(one)) is not None]
        agents = max(views, default=0)
        if agents and not all(map(self._is_led, LEADERS)):
            agents = 0
        return Look(time.time(), tuple(leaders), agents > 0, agents >= self.agents)

    def _there(self, role: str) -> list[str]:
        """Addresses of those of a role that are not cut off."""
        apart = set(self._town.apart)
        return [part.address for part in self._town.of_role(role) if part.name not in apart]

    def _is_led(self, role: str) -> bool:
        """Whether somebody says that one leads who is not cut off."""
        there = self._there(role)
        for address in there:
            _, told, _ = get(address, LEADERS[role], PATIENCE_S)
            if isinstance(told, dict) and told.get("leader"):
                return told["leader"] in there
        return False


def _view(address: str) -> int | None:
    """How many agents a master has, if it has the frameworks; ``None`` if it has not."""
    _, frameworks, _ = get(address, "/frameworks", PATIENCE_S)
    _, agents, _ = get(address, "/slaves", PATIENCE_S)
    if not isinstance(frameworks, dict) or not isinstance(agents, dict):
        return None
    active: set[Any] = {one["name"] for one in frameworks["frameworks"] if one["active"]}
    if not active >= FRAMEWORKS:
        return None
    return sum(bool(one["active"]) for one in agents["slaves"])


def recoveries(looks: Sequence[Look], harms: Iterable[Harm]) -> list[Recovery]:
    """Of each fault."""
    return [
        Recovery(
            kind=harm.kind,
            unserved_s=_longest(looks, harm.start, harm.end),
            whole_s=_since(looks, harm.end),
        )
        for harm in harms
    ]


def _longest(looks: Sequence[Look], start: float, end: float) -> float:
    longest, since = 0.0, None
    for look in looks:
        if start <= look.wall <= end and not look.serves:
            since = look.wall if since is None else since
            longest = max(longest, look.wall - since + LOOK_S)
        else:
            since = None
    return longest


def _since(looks: Sequence[Look], end: float) -> float | None:
    return next((look.wall - end for look in looks if look.wall >= end and look.whole), None)


def both(looks: Sequence[Look]) -> float:
    """For how long, at the longest, two masters said that they lead."""
    longest, since = 0.0, None
    for look in looks:
        if len(look.leaders) > 1:
            since = look.wall if since is None else since
            longest = max(longest, look.wall - since + LOOK_S)
        else:
            since = None
    return longest
