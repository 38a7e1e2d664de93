"""Ending given instances because somebody wants that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mesostw.core.marathon import deployments, kills, tree
from mesostw.core.marathon.records import Instance, TreeChange
from mesostw.core.marathon.scaling import SCALED
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import InstancesKillAsked, Killed, Planned, Terms, Unfit
from mesostw.model.apps import App, AppId, InstanceId
from mesostw.model.ids import TaskId

ASKED: Final = "Somebody asked for it"


def instances_kill_asked(turn: Turn, question: InstancesKillAsked) -> Killed | Planned | Unfit:
    """End instances, which are replaced, or wish as many fewer."""
    if question.scale and question.wipe:
        return Unfit("bad_request", "You cannot use scale and wipe at the same time.")
    app_id = question.app_id
    if app_id is not None and app_id not in turn.state.apps:
        return Unfit("unknown", f"App '{app_id}' does not exist")
    found = tuple(_found(turn, question))
    if question.scale:
        return _scaled_down(turn, found, question.terms)
    for instance in found:
        kills.kill(turn, instance, ASKED, wipe=question.wipe)
        turn.mark(instance.app_id)
    return Killed(found)


def _found(turn: Turn, question: InstancesKillAsked) -> Iterable[Instance]:
    for instance in _named(turn, question):
        if question.app_id not in {None, instance.app_id}:
            continue
        if question.hostname in {None, "*", instance.hostname}:
            yield instance


def _named(turn: Turn, question: InstancesKillAsked) -> Iterable[Instance]:
    state = turn.state
    if question.task_ids is None:
        of_app = () if question.app_id is None else state.of_app(question.app_id).values()
        return tuple(of_app)
    named: dict[InstanceId, Instance] = {}
    for name in question.task_ids:
        instance = state.by_task(TaskId(name)) or state.instances.get(InstanceId(name))
        if instance is not None:
            named[instance.id] = instance
    return tuple(named.values())


def _scaled_down(turn: Turn, found: Iterable[Instance], terms: Terms) -> Planned | Unfit:
    """
    Wish as many fewer as are ended; what is being ended anyway does not count.

    They are ended as soon as that may be, whatever else the deployment waits for, so that it
    need not remember which they were.
    """
    going: dict[AppId, list[Instance]] = {}
    for instance in found:
        if instance.counts and instance.app_id in turn.state.apps:
            going.setdefault(instance.app_id, []).append(instance)
    stamp = turn.stamp()
    apps: dict[AppId, App | None] = {}
    for app_id, some in going.items():
        app = turn.state.apps[app_id]
        if app.spec.every_agent:
            message = (
                f"App {app_id} has an instance on every agent: set 'instances' to a number first"
            )
            return Unfit("invalid", message)
        spec = replace(app.spec, instances=max(0, app.spec.instances - len(some)))
        apps[app_id] = App(spec, stamp, stamp, app.last_config_change_at)
    groups = tree.around(turn.state.groups, apps, stamp)
    change = TreeChange(version=stamp, apps=apps, groups=groups, culled=frozenset(apps))
    answer = deployments.begin(turn, change, terms)
    if isinstance(answer, Planned):
        for some in going.values():
            for instance in some:
                kills.kill(turn, instance, SCALED)
    return answer
