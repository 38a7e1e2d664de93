"""What is left to launch, by app."""

from __future__ import annotations

from mesostw.core.marathon import flows
from mesostw.core.marathon.changes import WaitingChanged
from mesostw.core.marathon.launchbook import Wish
from mesostw.core.marathon.needs import need_of
from mesostw.core.marathon.records import Waiting
from mesostw.core.marathon.taskinfo import mould_of
from mesostw.core.marathon.turn import Turn
from mesostw.model.apps import App, AppId, groups_above


def wanted(turn: Turn, app: App, count: int) -> None:
    """
    Have ``count`` more instances of ``app`` launched, as offers come; 0 is none any more.

    The number stands for all that are left to launch, it is not added to what waits.
    """
    known = turn.state.waiting.get(app.id)
    if count <= 0:
        dropped(turn, app.id)
        return
    wish = turn.live.launch.wishes.get(app.id)
    if wish is None or wish.app != app:
        wish = _wish(turn, app, wish)
    is_same = known is not None and known.version == app.version
    if known is not None and is_same and known.count == count:
        return
    config = app.last_config_change_at
    since = known.since if known is not None and known.config == config else turn.now.wall
    waiting = Waiting(app.id, app.version, config, app.spec.role, count, since)
    turn.change(WaitingChanged(app.id, waiting))
    if known is None or not is_same or count > known.count:
        flows.wished(turn, app.spec.role)


def dropped(turn: Turn, app_id: AppId) -> None:
    """Nothing of an app is left to launch."""
    turn.live.launch.wishes.pop(app_id, None)
    if app_id in turn.state.waiting:
        turn.change(WaitingChanged(app_id, None))


def swept(turn: Turn) -> None:
    """Forget what was prepared for apps that are gone; their last launch forgot the rest."""
    book = turn.live.launch
    if len(book.wishes) > len(turn.state.waiting):
        for app_id in book.wishes.keys() - turn.state.waiting.keys():
            del book.wishes[app_id]
    if len(book.tallies) > len(turn.state.apps):
        for app_id in book.tallies.keys() - turn.state.apps.keys():
            del book.tallies[app_id]


def _wish(turn: Turn, app: App, known: Wish | None) -> Wish:
    mould = mould_of(app, turn.flags.env_vars_prefix, _enforces_role(turn, app))
    wish = Wish(need_of(app, turn.flags), mould)
    if known is not None and known.app.last_config_change_at == app.last_config_change_at:
        wish.took_over(known)
    turn.live.launch.wishes[app.id] = wish
    return wish


def _enforces_role(turn: Turn, app: App) -> bool | None:
    above = groups_above(app.id)
    if len(above) < 2:
        return None
    group = turn.state.groups.get(above[1])
    return group is not None and group.enforce_role is True
