"""
The roles that Marathon is in: its own, and those of its apps.

They only grow during a life, so that no offer is lost to an app that comes back; the next
life is in those that it needs.
"""

from __future__ import annotations

from mesostw.core.marathon.changes import AppChanged
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Turn
from mesostw.core.scheduling import UpdateRoles


def roles_of(state: MarathonState, flags: MarathonFlags) -> tuple[str, ...]:
    """Every role that an app or an instance is in, and the default one."""
    found = {flags.mesos_role}
    found.update(app.spec.role for app in state.apps.values())
    found.update(instance.role for instance in state.instances.values())
    return tuple(sorted(found))


def restored(turn: Turn) -> None:
    """Begin with the roles that are needed; the daemon subscribes with the same."""
    turn.live.roles = frozenset(roles_of(turn.state, turn.flags))


def followed(turn: Turn) -> None:
    """Join the roles of apps that this turn has changed."""
    live = turn.live
    wanted = {change.app.spec.role for change in turn.changes if isinstance(change, AppChanged)}
    if not wanted <= live.roles:
        live.roles |= wanted
        turn.do(UpdateRoles(tuple(sorted(live.roles))))
        live.launch.flows.rejoined()
