"""What the allocator says: offers to make, and why none are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import Resources

#: Examples of reasons that are told.
WHY_FACTS_MAX: Final = 100


class Grant(Struct, frozen=True):
    """Offer ``resources`` of ``agent`` to ``framework`` in ``role``; they are taken already."""

    framework: FrameworkId
    role: str
    agent: AgentId
    resources: Resources


class Fact(Struct, frozen=True):
    """
    The first reason why ``agent`` is not offered to a framework in ``role``.

    ``reason`` is one of ``suppressed``, ``framework inactive``, ``agent inactive``,
    ``nothing free``, ``nothing free for this role``, ``gpus are kept for others``,
    ``too small``, ``refused``, or ``others first`` if only fairness stands before it.
    ``until`` is in steady seconds, for what was refused only; ``free`` is what the
    framework could be offered, as text.
    """

    agent: AgentId
    role: str
    reason: str
    until: float | None = None
    free: str = ""


class Why(Struct, frozen=True):
    """How many agents (each in each role) are not offered for which reason, and examples."""

    counts: Mapping[str, int]
    facts: tuple[Fact, ...]


def summed(facts: Iterable[Fact], facts_max: int) -> Why:
    """Count facts by reason and keep the first ``facts_max``."""
    counts: dict[str, int] = {}
    kept: list[Fact] = []
    for fact in facts:
        counts[fact.reason] = counts.get(fact.reason, 0) + 1
        if len(kept) < facts_max:
            kept.append(fact)
    return Why(counts, tuple(kept))
