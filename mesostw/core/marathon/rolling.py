"""Replacing the instances of an app by new ones, inside the limits of its upgrade strategy."""

from __future__ import annotations

from enum import IntEnum

from msgspec.structs import replace

from mesostw.core.marathon import everywhere, fitness, kills, queue, scaling
from mesostw.core.marathon.capacity import Limits, Standing, is_done, limits_of, next_move
from mesostw.core.marathon.records import Condition, Deployment, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.victims import chosen, order
from mesostw.model.apps import App


class _Use(IntEnum):
    """Of an old instance, the least useful first: so they go."""

    BROKEN = 0
    UNKNOWN = 1
    HEALTHY = 2


class _Crowd:
    """The instances of an app in the middle of a restart."""

    def __init__(self, state: MarathonState, app: App) -> None:
        self.old: list[tuple[_Use, Instance]] = []
        #: Old ones that are away for so long that others have taken their places.
        self.lost: list[Instance] = []
        self.fresh: list[Instance] = []
        self.ready = 0
        self.dying = 0
        for instance in state.of_app(app.id).values():
            self._add(state, app, instance)

    def _add(self, state: MarathonState, app: App, instance: Instance) -> None:
        is_fresh = instance.config == app.last_config_change_at
        if instance.is_doomed:
            self.dying += 1
        elif instance.condition is Condition.UNREACHABLE_INACTIVE:
            if not is_fresh:
                self.lost.append(instance)
        elif is_fresh:
            self.fresh.append(instance)
            self.ready += fitness.is_ready(state, instance)
        else:
            self.old.append((_use_of(state, instance), instance))

    @property
    def standing(self) -> Standing:
        uses = [use for use, _ in self.old]
        return Standing(
            old_healthy=uses.count(_Use.HEALTHY),
            old_unknown=uses.count(_Use.UNKNOWN),
            old_broken=uses.count(_Use.BROKEN),
            fresh=len(self.fresh),
            ready=self.ready,
            dying=self.dying,
        )


def _use_of(state: MarathonState, instance: Instance) -> _Use:
    if instance.condition is not Condition.RUNNING:
        return _Use.BROKEN
    spec = fitness.spec_of(state, instance)
    if spec is None or not spec.health_checks:
        return _Use.HEALTHY
    healthy = fitness.is_healthy(state, instance)
    if healthy is None:
        return _Use.UNKNOWN
    return _Use.HEALTHY if healthy else _Use.BROKEN


def restart(turn: Turn, app: App, deployment: Deployment) -> bool:
    """Go on replacing; whether all are new, ready, and alone."""
    crowd = _Crowd(turn.state, app)
    standing = crowd.standing
    limits = _limits(app, scaling.wished(turn, app))
    if deployment.paused:
        kept = turn.state.affected[deployment.id][app.id].kept
        room = limits.active_max_while(standing.serving) - standing.active
        queue.wanted(turn, app, min(kept - standing.old - standing.fresh, room))
        return False
    move = next_move(limits, standing)
    queue.wanted(turn, app, move.launch)
    doom = f"Replaced by version {app.version}"
    for instance in _going(app, crowd, move.kill_old)[: scaling.ENDED_MAX]:
        kills.kill(turn, instance, doom)
    for instance in chosen(app.spec, crowd.fresh, move.kill_fresh):
        kills.kill(turn, instance, scaling.SCALED)
    if app.spec.every_agent and not everywhere.is_settled(turn, app):
        return False
    return is_done(limits, standing)


def _limits(app: App, count: int) -> Limits:
    limits = limits_of(count, app.spec.upgrade_strategy)
    if not app.spec.every_agent:
        return limits
    # There is one place on each agent: a new one needs the old one's, so that one must go.
    return replace(limits, healthy_min=max(0, min(limits.healthy_min, count - 1)), active_max=count)


def _going(app: App, crowd: _Crowd, count: int) -> list[Instance]:
    key = order(app.spec)
    old = sorted(crowd.old, key=lambda entry: (entry[0], key(entry[1])))
    return crowd.lost + [instance for _, instance in old[:count]]
