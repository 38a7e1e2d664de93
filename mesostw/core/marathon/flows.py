"""
Whether we are offered anything: revived when something new waits, suppressed when nothing does.

Reviving forgets every filter, which costs the master a round over all agents: it is done at
most once in ``min_revive_offers_interval``, later wishes wait for the next time together.

# Note [Warm]

A rolling change wants a few instances again and again, and waited for the next revival each
time.  So while a role stirs (something of it was launched or killed a moment ago) a few offers
are kept at hand: held while a deployment is under way, else refused for a moment only.
"""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon.launchbook import Flow
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import ReviveDue
from mesostw.core.outcome import Arm
from mesostw.core.scheduling import ReviveOffers, SuppressOffers

#: How long a role counts as stirring.
WARM_S: Final = 10.0


def is_warm(turn: Turn, role: str) -> bool:
    """Whether more may be wanted of a role in a moment. See Note [Warm]."""
    stirred = turn.live.launch.stirred.get(role)
    return stirred is not None and turn.now.steady < stirred + WARM_S


def wished(turn: Turn, role: str) -> None:
    """Something new waits for offers of a role, which may have refused what it needs."""
    _flow(turn, role).wants_revival = True
    _revive(turn)


def settled(turn: Turn) -> None:
    """Suppress roles that nothing waits in; revive the others, if they were suppressed."""
    if not turn.live.registered:
        return
    wanted = _roles_wanted(turn)
    quiet = []
    for role in sorted({*turn.live.roles, *turn.live.launch.flows, *wanted}):
        flow = _flow(turn, role)
        if role in wanted:
            flow.wants_revival = flow.wants_revival or flow.suppressed
        else:
            flow.wants_revival = False
            if not flow.suppressed:
                flow.suppressed = True
                quiet.append(role)
    if quiet:
        turn.do(SuppressOffers(tuple(quiet)))
    _revive(turn)


def revive_due(turn: Turn) -> None:
    """Enough time has passed since the last revival."""
    turn.live.launch.revival_armed = False
    _revive(turn)


def restarted(turn: Turn) -> None:
    """A master knows us anew: subscribing ended every suppression, but perhaps no filter."""
    book = turn.live.launch
    book.flows.clear()
    book.revived_at = None
    for role in _roles_wanted(turn):
        _flow(turn, role).wants_revival = True
    settled(turn)


def _revive(turn: Turn) -> None:
    book = turn.live.launch
    roles = tuple(sorted(role for role, flow in book.flows.items() if flow.wants_revival))
    if not roles or not turn.live.registered:
        return
    now, last = turn.now.steady, book.revived_at
    due = now if last is None else last + turn.flags.min_revive_offers_interval_s
    if now < due:
        if not book.revival_armed:
            book.revival_armed = True
            turn.do(Arm(ReviveDue(), due - now))
        return
    book.revived_at = now
    for role in roles:
        flow = book.flows[role]
        flow.wants_revival = flow.suppressed = False
    turn.do(ReviveOffers(roles))


def _roles_wanted(turn: Turn) -> set[str]:
    """Roles in which something waits or stirs, or in which new agents are looked for."""
    apps = turn.state.apps
    everywhere = turn.live.launch.everywhere
    wanted = {waiting.role for waiting in turn.state.waiting.values()}
    wanted.update(apps[app_id].spec.role for app_id in everywhere if app_id in apps)
    wanted.update(role for role in turn.live.launch.stirred if is_warm(turn, role))
    return wanted


def _flow(turn: Turn, role: str) -> Flow:
    return turn.live.launch.flows.setdefault(role, Flow())
