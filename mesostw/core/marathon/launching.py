"""From an offer that does to an instance that is provisioned, and its task."""

from __future__ import annotations

from mesostw.core.framework.places import REGION, ZONE
from mesostw.core.framework.portpick import picked
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.events import InstanceMoved
from mesostw.core.marathon.launchbook import Wish
from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.marathon.taskinfo import task_of
from mesostw.core.marathon.turn import Turn
from mesostw.messages.convert import messages_of
from mesostw.messages.tasks import TaskInfo
from mesostw.model.ids import TaskId


def launched(turn: Turn, wish: Wish, spot: Spot) -> TaskInfo:
    """
    Make an instance on an offer that does for it; the task is sent once that is kept.

    So a life that ends between the two has an instance that never started, not a task that
    nobody knows.
    """
    need = wish.need
    ports = (
        picked(spot.ports(need.accepts), need.ports, turn.chance.randrange) if need.ports else None
    )
    resources = spot.take(need.scalars, need.accepts, ports)
    instance = _instance(turn, wish, spot, () if ports is None else ports.ports)
    turn.change(InstanceChanged(instance))
    turn.live.launch.stirred[instance.role] = turn.now.steady
    turn.tell(
        InstanceMoved(
            at=turn.now.wall,
            instance_id=instance.id,
            condition=instance.condition,
            app_id=instance.app_id,
            agent_id=instance.agent_id,
            hostname=instance.hostname,
            version=instance.version,
        )
    )
    # The form of reservations that every framework was given before they could be refined.
    return task_of(wish.mould, instance, messages_of(resources, spot.role, refined=False))


def _instance(turn: Turn, wish: Wish, spot: Spot, ports: tuple[int, ...]) -> Instance:
    app, place, wall = wish.app, spot.place, turn.now.wall
    instance_id = turn.names.instance_id(app.id)
    return Instance(
        id=instance_id,
        app_id=app.id,
        version=app.version,
        config=app.last_config_change_at,
        task_id=TaskId(turn.names.task_id(instance_id)),
        agent_id=place.agent_id,
        hostname=place.hostname,
        role=spot.role,
        ports=ports,
        condition=Condition.PROVISIONED,
        since=wall,
        staged_at=wall,
        attributes=place.attributes,
        region=place.attributes.get(REGION, ""),
        zone=place.attributes.get(ZONE, ""),
    )
