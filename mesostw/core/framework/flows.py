"""
Whether a framework is offered anything: revived when something waits, else suppressed.

Reviving forgets every filter, which costs the master a round over all agents: it is done at
most once in an interval, later wishes wait for the next time together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from msgspec import Struct

from mesostw.core.outcome import Arm
from mesostw.core.scheduling import ReviveOffers, SuppressOffers

FlowEffect: TypeAlias = SuppressOffers | ReviveOffers | Arm


class _Flow:
    """Whether a role is offered anything."""

    __slots__ = ("suppressed", "wants_revival")

    def __init__(self) -> None:
        self.suppressed = False
        #: Something waits that may have been offered before it did.
        self.wants_revival = False


class Flows:
    """
    Of each role that the framework is in.

    What its methods give is to be done, in that order.

    :param timer: is armed for a revival that has to wait; ``due`` is to be called then.
    """

    def __init__(self, timer: Struct) -> None:
        self._timer = timer
        self._flows: dict[str, _Flow] = {}
        #: In steady seconds.
        self._revived_at: float | None = None
        self._armed = False

    def wished(self, role: str) -> None:
        """Something new waits for offers of a role, which may have refused what it needs."""
        self._flow(role).wants_revival = True

    def restarted(self, wanted: Iterable[str]) -> None:
        """A master knows us anew: subscribing ended every suppression, but perhaps no filter."""
        self._flows.clear()
        self._revived_at = None
        for role in wanted:
            self.wished(role)

    def rejoined(self) -> None:
        """The framework has said that it is in other roles, which ended every suppression."""
        for flow in self._flows.values():
            flow.suppressed = False

    def settled(
        self, roles: Iterable[str], wanted: Collection[str], steady: float, interval_s: float
    ) -> list[FlowEffect]:
        """Suppress roles that nothing waits in; revive the others, if they were suppressed."""
        quiet = []
        for role in sorted({*roles, *self._flows, *wanted}):
            flow = self._flow(role)
            if role in wanted:
                flow.wants_revival = flow.wants_revival or flow.suppressed
            else:
                flow.wants_revival = False
                if not flow.suppressed:
                    flow.suppressed = True
                    quiet.append(role)
        found: list[FlowEffect] = [SuppressOffers(tuple(quiet))] if quiet else []
        return found + self.revived(steady, interval_s)

    def due(self) -> None:
        """The timer has run out; ``revived`` is to be asked."""
        self._armed = False

    def revived(self, steady: float, interval_s: float) -> list[FlowEffect]:
        """Revive what wants it, or have it wait until it may be."""
        roles = tuple(sorted(role for role, flow in self._flows.items() if flow.wants_revival))
        if not roles:
            return []
        last = self._revived_at
        due = steady if last is None else last + interval_s
        if steady < due:
            if self._armed:
                return []
            self._armed = True
            return [Arm(self._timer, due - steady)]
        self._revived_at = steady
        for role in roles:
            flow = self._flows[role]
            flow.wants_revival = flow.suppressed = False
        return [ReviveOffers(roles)]

    def _flow(self, role: str) -> _Flow:
        return self._flows.setdefault(role, _Flow())
