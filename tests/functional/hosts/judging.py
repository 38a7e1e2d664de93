"""
A run on hosts, judged: what Chronos promised, and what everybody else did.

::

    under-served  the app that is watched had too few or too many instances, or one twice
    forgotten     a change of the app was acknowledged, and something older runs in the end
    lost          a status update never came to its framework, or was not so
    repeated      a task began twice
    two masters   two said that they lead, for longer than one needs that has just gone on
    terms         two masters had one term, or a later one had an earlier term
    partial       after a fault's end not everything was there soon

What Chronos' own clients had acknowledged is judged with Chronos (``unread``, ``stale``).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from mesostw.testing.chronos_checks import Finding
from tests.functional.chronos.judging import Ruling, Verdict, judge
from tests.functional.chronos.nemesis import Harm
from tests.functional.hosts import journal
from tests.functional.hosts.campaign import Found
from tests.functional.hosts.journal import Told
from tests.functional.hosts.layout import Scale
from tests.functional.hosts.lookout import BOTH_S, Recovery, both, recoveries
from tests.functional.hosts.shop import INSTANCES


class Judgement(Struct, frozen=True, kw_only=True):
    """Everything that a run on hosts is told by."""

    chronos: Verdict
    rulings: tuple[Ruling, ...]
    recoveries: tuple[Recovery, ...]
    #: Changes of the app that were acknowledged, and for how long nothing was promised of it.
    changes: int
    waived_s: float
    tasks: int

    @property
    def findings(self) -> list[Finding]:
        """Whatever was broken."""
        own = [one for ruling in self.rulings for one in ruling.findings]
        return [*self.chronos.findings, *own]

    def broken(self, rule: str) -> int:
        """How often one rule was."""
        return sum(len(one.findings) for one in self.rulings if one.rule == rule)


def judgement(found: Found, scale: Scale, *, strict: bool = False) -> Judgement:
    """Judge a run."""
    told = list(found.told)
    restored = tuple(
        replace(one, pause_s=_pause(told, harm, one))
        for one, harm in zip(
            recoveries(found.looks, found.chronos.harms), found.chronos.harms, strict=True
        )
    )
    rulings = (
        _ruling("under-served", found.app.rounds, found.app.broken),
        _ruling("forgotten", len(found.app.changes), _forgotten(found)),
        _ruling("lost", len(told), journal.lost(told)),
        _ruling("repeated", len(told), journal.repeated(told)),
        _ruling("two masters", len(found.looks), _two_masters(found)),
        _ruling("terms", len(found.terms), _terms(found)),
        _ruling("partial", len(restored), _partial(restored, scale.whole_within_s)),
    )
    return Judgement(
        chronos=judge(found.chronos, scale.profile, strict=strict),
        rulings=rulings,
        recoveries=restored,
        changes=sum(bool(one.taken) for one in found.app.changes),
        waived_s=found.app.waived_s,
        tasks=len(told),
    )


def _pause(told: list[Told], harm: Harm, restored: Recovery) -> float:
    whole_s = 0.0 if restored.whole_s is None else restored.whole_s
    return journal.longest_pause(told, harm.start, harm.end + whole_s)


def _ruling(rule: str, judged: int, texts: Iterable[str]) -> Ruling:
    return Ruling(rule, judged, tuple(Finding(rule, "", text) for text in texts))


def _forgotten(found: Found) -> Iterable[str]:
    """What runs is the last change that was taken, or a later one of which nobody knows."""
    changes, last = found.app.changes, found.app.last
    taken = max((one.version for one in changes if one.taken), default=0)
    allowed = {taken, *(one.version for one in changes if one.taken is None)}
    wrong = [one for one in last if one < taken or one not in allowed]
    if wrong or len(set(last)) != 1:
        yield f"versions {list(last)} run, and {taken} was the last that was acknowledged"
    if len(last) != INSTANCES:
        yield f"{len(last)} instances run in the end, not {INSTANCES}"


def _two_masters(found: Found) -> Iterable[str]:
    longest_s = both(found.looks)
    if longest_s > BOTH_S:
        yield f"two said that they lead for {longest_s:.2f} s"


def _terms(found: Found) -> Iterable[str]:
    for (earlier, before), (later, after) in pairwise(found.terms):
        if after <= before:
            yield f"term {before} began at {earlier}, and term {after} at {later}"


def _partial(restored: Iterable[Recovery], within_s: float) -> Iterable[str]:
    for one in restored:
        if one.whole_s is None:
            yield f"{one.kind}: not everything was there until the end"
        elif one.whole_s > within_s:
            yield f"{one.kind}: everything was there {one.whole_s:.1f} s after its end"
