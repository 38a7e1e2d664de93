"""
Whether we are offered anything: revived when something new waits, suppressed when nothing does.

# Note [Warm]

A rolling change wants a few instances again and again, and waited for the next revival each
time.  So while a role stirs (something of it was launched or killed a moment ago) a few offers
are kept at hand: held while a deployment is under way, else refused for a moment only.
"""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon.turn import Turn

#: How long a role counts as stirring.
WARM_S: Final = 10.0


def is_warm(turn: Turn, role: str) -> bool:
    """Whether more may be wanted of a role in a moment. See Note [Warm]."""
    stirred = turn.live.launch.stirred.get(role)
    return stirred is not None and turn.now.steady < stirred + WARM_S


def wished(turn: Turn, role: str) -> None:
    """Something new waits for offers of a role, which may have refused what it needs."""
    turn.live.launch.flows.wished(role)
    _revive(turn)


def settled(turn: Turn) -> None:
    """Suppress roles that nothing waits in; revive the others, if they were suppressed."""
    if not turn.live.registered:
        return
    flows, interval_s = turn.live.launch.flows, turn.flags.min_revive_offers_interval_s
    for effect in flows.settled(turn.live.roles, _roles_wanted(turn), turn.now.steady, interval_s):
        turn.do(effect)


def revive_due(turn: Turn) -> None:
    """Enough time has passed since the last revival."""
    turn.live.launch.flows.due()
    _revive(turn)


def restarted(turn: Turn) -> None:
    """A master knows us anew: subscribing ended every suppression, but perhaps no filter."""
    turn.live.launch.flows.restarted(_roles_wanted(turn))
    settled(turn)


def _revive(turn: Turn) -> None:
    if not turn.live.registered:
        return
    flows, interval_s = turn.live.launch.flows, turn.flags.min_revive_offers_interval_s
    for effect in flows.revived(turn.now.steady, interval_s):
        turn.do(effect)


def _roles_wanted(turn: Turn) -> set[str]:
    """Roles in which something waits or stirs, or in which new agents are looked for."""
    apps = turn.state.apps
    everywhere = turn.live.launch.everywhere
    wanted = {waiting.role for waiting in turn.state.waiting.values()}
    wanted.update(apps[app_id].spec.role for app_id in everywhere if app_id in apps)
    wanted.update(role for role in turn.live.launch.stirred if is_warm(turn, role))
    return wanted
