"""
Back-off: an app whose instances fail waits before it launches more, each time for longer.

The first delay is the app's ``backoffSeconds``, each further one ``backoffFactor`` times the
last, up to ``maxLaunchDelaySeconds``.  A delay is of one configuration.  It is forgotten
when ``maxLaunchDelaySeconds`` have passed since it began or since an instance last moved, so
that a loop of starts and crashes grows it, however slow the starts are.
"""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon import flows
from mesostw.core.marathon.changes import DelayChanged
from mesostw.core.marathon.records import Delay, Waiting
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import DelayResetAsked, Unfit
from mesostw.model.apps import App, AppId, Stamp

#: How often delays are looked through for those that can be forgotten; as in Marathon.
SWEEP_S: Final = 10.0


def failed(turn: Turn, app_id: AppId, config: Stamp) -> None:
    """An instance has ended that was to go on: the next launch waits, longer than the last."""
    app = _app_with(turn.state, app_id, config)
    known = turn.state.delays.get(app_id)
    is_other = known is not None and known.config != config
    if app is None or (is_other and _is_backed_off(turn.state, app_id)):
        # What remains of another configuration says nothing of the one that is launched.
        return
    longest = float(app.spec.max_launch_delay_seconds)
    if known is not None and known.config == config:
        delay_s = min(longest, known.delay_s * app.spec.backoff_factor)
    else:
        delay_s = min(longest, float(app.spec.backoff_seconds))
    if delay_s > 0.0:
        delay = Delay(app_id, config, delay_s, turn.now.wall + delay_s)
        turn.change(DelayChanged(app_id, delay))


def reset(turn: Turn, app_id: AppId) -> None:
    """Launch at once again: the next failure is a first one."""
    if app_id not in turn.state.delays:
        return
    turn.change(DelayChanged(app_id, None))
    waiting = turn.state.waiting.get(app_id)
    if waiting is not None:
        # What came meanwhile was refused until the delay would have ended.
        flows.wished(turn, waiting.role)


def reset_asked(turn: Turn, question: DelayResetAsked) -> Unfit | None:
    """Somebody wants an app launched at once."""
    app_id = question.app_id
    if app_id not in turn.state.waiting and app_id not in turn.state.delays:
        return Unfit("unknown", f"Application {app_id} not found in tasks queue.")
    reset(turn, app_id)
    turn.mark(app_id)
    return None


def swept(turn: Turn) -> None:
    """Forget delays that nothing has happened to for long, and those of older configurations."""
    book = turn.live.launch
    if turn.now.steady < book.sweep_due:
        return
    book.sweep_due = turn.now.steady + SWEEP_S
    for app_id, delay in list(turn.state.delays.items()):
        app = _app_with(turn.state, app_id, delay.config)
        if app is None or _is_over(turn, app, delay):
            turn.change(DelayChanged(app_id, None))


def until_of(state: MarathonState, waiting: Waiting, wall: float) -> float | None:
    """Until when an app is backed off, in wall seconds; ``None`` if it is not."""
    delay = state.delays.get(waiting.app_id)
    if delay is None or delay.config != waiting.config or delay.until <= wall:
        return None
    # A wall clock that was set back makes no delay longer than it is, but for its fractions.
    return delay.until if delay.until - wall <= delay.delay_s + 1.0 else None


def _is_backed_off(state: MarathonState, app_id: AppId) -> bool:
    """Whether an app's delay is of its present configuration, which may be an older one again."""
    app, known = state.apps.get(app_id), state.delays.get(app_id)
    return app is not None and known is not None and known.config == app.last_config_change_at


def _is_over(turn: Turn, app: App, delay: Delay) -> bool:
    instances = turn.state.of_app(app.id).values()
    moves = [one.since for one in instances if one.config == delay.config]
    last = max([delay.until - delay.delay_s, *moves])
    return turn.now.wall > last + app.spec.max_launch_delay_seconds


def _app_with(state: MarathonState, app_id: AppId, config: Stamp) -> App | None:
    """An app with a configuration; versions of one configuration differ in no delay."""
    app = state.apps.get(app_id)
    if app is not None and app.last_config_change_at == config:
        return app
    versions = state.versions.get(app_id, {}).values()
    return next((one for one in versions if one.last_config_change_at == config), None)
