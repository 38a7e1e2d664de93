"""
Ending instances: out of service at once, then killed, again and again until they have ended.

Kills are said in chunks: ``KILL_CHUNK`` in one turn, the next when statuses come or a second
has passed, so that ten thousand neither block a turn nor take long.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.marathon import terminations, watching
from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.events import StatusUpdated
from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.flags import KILL_CHUNK, KILL_RETRY_S
from mesostw.core.marathon.records import Condition, Goal, Instance
from mesostw.core.marathon.terminations import End
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import KillDue
from mesostw.core.outcome import Arm, Disarm
from mesostw.core.scheduling import KillTask
from mesostw.messages.health import KillPolicy
from mesostw.messages.values import DurationInfo
from mesostw.model.tasks import TaskState


def kill(turn: Turn, instance: Instance, doom: str, wipe: bool = False) -> None:
    """
    End an instance; saying it again changes nothing.

    It is out of service at once, and killed after the app's drain delay.  One that is away
    is forgotten at once: should it come back, it is a stranger, and killed then.

    :param doom: why, for people; not empty.
    :param wipe: forget it at once, wherever it is.
    """
    found = turn.state.instances.get(instance.id)
    if found is None:
        return
    if found.is_doomed and not wipe:
        return
    if not found.is_doomed:
        found = _doom(turn, found, doom)
        turn.live.launch.stirred[found.role] = turn.now.steady
        if not found.is_away and not wipe and _drain_left_s(turn, found) > 0.0:
            _tell_drained(turn, found)
    if found.is_away:
        gave_up(turn, found)
    elif wipe:
        turn.do(Disarm(KillDue(found.id)))
        turn.do(_order(turn, found))
        _forget(turn, found, "Forgotten while it is being killed")
    else:
        _schedule(turn, found)


def gave_up(turn: Turn, instance: Instance) -> None:
    """Forget an instance that is away."""
    turn.do(Disarm(KillDue(instance.id)))
    _forget(turn, instance, "Its agent is unreachable, it is not waited for")


def due(turn: Turn, timer: KillDue) -> None:
    """An instance has been out of service for long enough."""
    instance = turn.state.instances.get(timer.instance_id)
    if instance is not None and instance.is_doomed:
        turn.live.kills_waiting.append(instance.id)
        said_on(turn)


def restored(turn: Turn) -> None:
    """Go on with what an earlier life was ending; what is left of a drain is waited for."""
    for instance in turn.state.instances.values():
        if instance.is_doomed:
            _schedule(turn, instance)


def said_on(turn: Turn) -> None:
    """Say kills that wait, as many as one turn may."""
    if not turn.live.registered:
        return
    waiting = turn.live.kills_waiting
    while waiting and turn.kills < KILL_CHUNK:
        instance = turn.state.instances.get(waiting.popleft())
        if instance is not None and instance.is_doomed:
            _say(turn, instance)


def connected(turn: Turn) -> None:
    """A master knows us: what was said to one before may have been lost on the way."""
    turn.live.kills_waiting.extend(turn.live.kills_said)
    turn.live.kills_said.clear()
    said_on(turn)


def said_again(turn: Turn) -> None:
    """Say kills that wait, and again those that have not led to an end in ``KILL_RETRY_S``."""
    said = turn.live.kills_said
    overdue = []
    for instance_id, at in said.items():
        if at > turn.now.steady - KILL_RETRY_S:
            break
        overdue.append(instance_id)
    if turn.live.registered:
        for instance_id in overdue:
            del said[instance_id]
        turn.live.kills_waiting.extend(overdue)
    said_on(turn)


def _doom(turn: Turn, instance: Instance, doom: str) -> Instance:
    doomed = replace(instance, goal=Goal.DECOMMISSIONED, doom=doom, doomed_at=turn.now.wall)
    turn.change(InstanceChanged(doomed))
    watching.ended(turn, doomed)
    turn.mark(doomed.app_id)
    return doomed


def _schedule(turn: Turn, instance: Instance) -> None:
    left_s = _drain_left_s(turn, instance)
    if left_s > 0.0:
        turn.do(Arm(KillDue(instance.id), left_s))
    else:
        turn.live.kills_waiting.append(instance.id)
        said_on(turn)


def _drain_left_s(turn: Turn, instance: Instance) -> float:
    """Only what serves is drained: not what is still starting, nor what is unhealthy."""
    serves = instance.condition is Condition.RUNNING
    if not serves or instance.doom.startswith(terminations.UNHEALTHY):
        return 0.0
    spec = spec_of(turn.state, instance)
    delay_s = 0.0 if spec is None else spec.drain_delay_seconds
    passed_s = 0.0 if instance.doomed_at is None else turn.now.wall - instance.doomed_at
    # A wall clock that was set back makes no drain longer than it is.
    return delay_s - max(0.0, passed_s)


def _tell_drained(turn: Turn, instance: Instance) -> None:
    """Tell load balancers now, as of a kill: when it is killed would be too late for them."""
    turn.tell(
        StatusUpdated(
            at=turn.now.wall,
            agent_id=instance.agent_id,
            task_id=instance.task_id,
            task_state=TaskState.TASK_KILLING.name,
            message=f"Out of service before it is killed: {instance.doom}",
            app_id=instance.app_id,
            hostname=instance.hostname,
            addresses=instance.addresses,
            ports=instance.ports,
            version=instance.version,
        )
    )
    turn.tell(terminations.moved(turn, instance, Condition.KILLING))


def _say(turn: Turn, instance: Instance) -> None:
    turn.kills += 1
    said = turn.live.kills_said
    # What was said last is at the end: ``said_again`` looks from the front.
    said.pop(instance.id, None)
    said[instance.id] = turn.now.steady
    turn.do(_order(turn, instance))


def _order(turn: Turn, instance: Instance) -> KillTask:
    spec = spec_of(turn.state, instance)
    grace_s = None if spec is None else spec.task_kill_grace_period_seconds
    policy = (
        None
        if grace_s is None
        else KillPolicy(grace_period=DurationInfo(nanoseconds=grace_s * 1_000_000_000))
    )
    return KillTask(instance.task_id, instance.agent_id, policy)


def _forget(turn: Turn, instance: Instance, message: str) -> None:
    # As in Marathon, whatever is forgotten by force is told of as killed.
    state = TaskState.TASK_UNREACHABLE if instance.is_away else TaskState.TASK_KILLED
    terminations.ended(turn, instance, End(Condition.KILLED, state, message))
