"""
Converging: what is, and what is wished, one app at a time.

Whatever may make a difference between the two marks an app; the next slice looks at each
marked app once, however often it was marked, and decides from what is there at that moment.
Looking twice does nothing twice.

::

    the app is gone              end its instances, then forget it
    no deployment                its own number, whatever the configuration
    its step has not come        what was there before is kept
    its step is the present one  scale, or restart inside the limits, until that is done
    its step is paused           what ends by itself is replaced, nothing else
    its step is done             as without a deployment
"""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon import (
    advancing,
    everywhere,
    keeping,
    kills,
    readiness,
    rolling,
    scaling,
    watching,
)
from mesostw.core.marathon.events import AppTerminated
from mesostw.core.marathon.records import ActionKind, Deployment
from mesostw.core.marathon.stages import Part, Stage, stage_of
from mesostw.core.marathon.turn import Turn
from mesostw.core.outcome import Continue
from mesostw.model.apps import App, AppId, DeploymentId

#: Instances looked at in one slice: some ten milliseconds.
_SLICE: Final = 5_000
#: What a look at an app costs besides, in looks at an instance.
_APP: Final = 20
#: An app of so many instances rests after each look, so long for each instance: a look costs
#: as much as there are instances, and every status would cause one.
_LARGE: Final = 2_000
_REST_S: Final = 0.000_05

REMOVED: Final = "Its app was removed"


def paced(turn: Turn) -> None:
    """Ask for a slice if an app is marked."""
    live = turn.live
    for app_id in tuple(live.postponed):
        if not _rests(turn, app_id):
            del live.postponed[app_id]
            live.marked[app_id] = None
    if live.marked and not live.continuing:
        live.continuing = True
        turn.do(Continue())


def ticked(turn: Turn) -> None:
    """
    Look at every app now and then, though nothing is known to have changed.

    Whatever makes a difference marks an app by itself; if that was once forgotten, an app is
    not left alone for longer than ``scale_apps_interval``.
    """
    live, flags = turn.live, turn.flags
    if live.look_due is None:
        live.look_due = turn.now.steady + flags.scale_apps_initial_delay_s
    if turn.now.steady >= live.look_due:
        live.look_due = turn.now.steady + flags.scale_apps_interval_s
        mark_all(turn)


def mark_all(turn: Turn) -> None:
    """Have every app looked at, and what is left of those that are gone."""
    state = turn.state
    for app_id in (*state.apps, *state.instances_of, *state.versions, *state.locks):
        turn.mark(app_id)


def converged(turn: Turn) -> None:
    """Look at marked apps, as many as one slice may."""
    live = turn.live
    live.continuing = False
    # What is marked by a look is looked at in the next slice.
    marked, live.marked = live.marked, {}
    done: dict[DeploymentId, set[AppId]] = {}
    left = _SLICE
    while marked and left > 0:
        app_id = next(iter(marked))
        del marked[app_id]
        if _rests(turn, app_id):
            live.postponed[app_id] = None
            continue
        live.unsettled.discard(app_id)
        left -= _APP + len(turn.state.of_app(app_id))
        deployment = turn.state.deployment_of(app_id)
        readiness.looked(turn, app_id)
        if _look(turn, app_id, deployment) and deployment is not None:
            done.setdefault(deployment.id, set()).add(app_id)
    live.marked = {**marked, **live.marked}
    advancing.done(turn, {one: frozenset(app_ids) for one, app_ids in done.items()})


def _rests(turn: Turn, app_id: AppId) -> bool:
    due = turn.live.resting.get(app_id)
    if due is None or turn.now.steady < due:
        return due is not None
    del turn.live.resting[app_id]
    return False


def _look(turn: Turn, app_id: AppId, deployment: Deployment | None) -> bool:
    """Do what is to be done for one app; whether its action in the present step is done."""
    app = turn.state.apps.get(app_id)
    if app is None:
        is_gone = _stop(turn, app_id, deployment)
        return is_gone and deployment is not None and _is_active(turn, deployment, app_id)
    if app.spec.every_agent:
        app = everywhere.counted(turn, app)
    count = len(turn.state.of_app(app_id))
    if count >= _LARGE:
        turn.live.resting[app_id] = turn.now.steady + count * _REST_S
    if deployment is None:
        scaling.scale(turn, app, scaling.wished(turn, app))
        return False
    part = advancing.part_of(turn, deployment, app_id)
    match stage_of(deployment, part):
        case Stage.BEFORE:
            _keep(turn, app_id, deployment)
            return part.named_in == deployment.step and not deployment.paused
        case Stage.ACTIVE:
            return _act(turn, app, deployment, part)
        case Stage.AFTER:
            scaling.scale(turn, app, scaling.wished(turn, app))
            return False


def _is_active(turn: Turn, deployment: Deployment, app_id: AppId) -> bool:
    """Whether an app's action is in the present step; one that was stopped was in the first."""
    part = advancing.part_of(turn, deployment, app_id)
    return stage_of(deployment, part) is Stage.ACTIVE


def _keep(turn: Turn, app_id: AppId, deployment: Deployment) -> None:
    """Have what was there before stay; surplus is ended when the app's step comes."""
    affected = turn.state.affected[deployment.id][app_id]
    before = affected.before
    if before is None:
        return
    is_everywhere = before.spec.every_agent
    count = scaling.wished(turn, before) if is_everywhere else affected.kept
    scaling.scale(turn, before, count, may_kill=False)


def _act(turn: Turn, app: App, deployment: Deployment, part: Part) -> bool:
    """Go on with an app's action; whether it is done."""
    if part.action.kind is ActionKind.RESTART:
        return rolling.restart(turn, app, deployment)
    if deployment.paused:
        kept = turn.state.affected[deployment.id][app.id].kept
        scaling.scale(turn, app, kept, may_kill=False)
        return False
    count = scaling.wished(turn, app)
    scaling.scale(turn, app, count)
    return scaling.is_scaled(turn, app, count, deployment)


def _stop(turn: Turn, app_id: AppId, deployment: Deployment | None) -> bool:
    """End what is left of an app that is gone; whether nothing is."""
    instances = turn.state.of_app(app_id)
    if deployment is not None and deployment.paused:
        return False
    for instance in [one for one in instances.values() if not one.is_doomed][: scaling.ENDED_MAX]:
        kills.kill(turn, instance, REMOVED)
    if turn.state.of_app(app_id):
        return False
    watching.gone(turn, app_id)
    if keeping.removed(turn, app_id):
        turn.tell(AppTerminated(at=turn.now.wall, app_id=app_id))
    return True
