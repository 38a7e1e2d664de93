"""
Which agents to look at next.

An agent that something happened to is marked.  Marked agents are looked at in
rounds, each round in a random order; what is marked during a round waits for
the next one.  No agent is looked at twice within the gap.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final, Protocol

from mesostw.core.allocator.agents import Agent

#: Steady seconds between two looks at one agent.
ALLOCATION_GAP_S: Final = 0.01


class Chance(Protocol):
    """A seeded ``random.Random``: the same seed, the same orders and draws."""

    def shuffle(self, x: list[Agent]) -> None:
        """Put ``x`` into a random order."""

    def random(self) -> float:
        """Draw a number from 0 up to 1."""


class Rounds:
    """The queue of marked agents."""

    def __init__(self, chance: Chance, gap_s: float) -> None:
        self._chance = chance
        self._gap_s = gap_s
        #: Marked agents of the next round.
        self._marked: list[Agent] = []
        #: What is left of this round, the next one last.
        self._round: list[Agent] = []
        #: Marked agents that were looked at a moment ago, by when they are ready.
        self._waiting: list[tuple[float, int, Agent]] = []
        self._waits = 0

    def mark(self, agent: Agent, now: float) -> None:
        """Have ``agent`` looked at, in the next round or as soon as the gap allows."""
        if agent.queued:
            return
        agent.queued = True
        if agent.ready_at <= now:
            self._marked.append(agent)
        else:
            self._waits += 1
            heapq.heappush(self._waiting, (agent.ready_at, self._waits, agent))

    def due(self, agents: int, now: float) -> Iterator[Agent]:
        """Take out at most ``agents`` open agents that are ready, in their order."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            self._marked.append(heapq.heappop(waiting)[2])
        while agents:
            if not self._round:
                if not self._marked:
                    return
                self._round, self._marked = self._marked, []
                self._chance.shuffle(self._round)
            agent = self._round.pop()
            agent.queued = False
            if agent.gone or not agent.is_open:
                continue
            agents -= 1
            agent.ready_at = now + self._gap_s
            yield agent

    def ready_at(self, now: float) -> float | None:
        """When the next marked agent is ready; ``None`` if none is marked."""
        if self._round or self._marked:
            return now
        return self._waiting[0][0] if self._waiting else None

    def marked(self) -> Iterator[Agent]:
        """Every agent that waits, in no order that matters."""
        yield from self._round
        yield from self._marked
        for *_, agent in self._waiting:
            yield agent
