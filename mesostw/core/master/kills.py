"""
Wishes to end tasks, which outlast the absence of an agent.

::

    framework -> Kill -> KillTask -> agent      remembered in this life of the master
    operator -> TaskKillAsked -> KillTask -> agent      kept, then answered
    ReregisterAgent -> all of them again, of the tasks that the agent has

A framework says its kills again when another master leads; nobody does so for an operator,
whose wish is therefore kept until it is certain that there is nothing left to kill: its agent
has said that the task ended, is back without it, or never comes back, or the framework is
removed.  That a framework was told an end is not enough: without checkpoints it is told that
a task is lost which may run on.  It is a wish about the task of an agent, not of whatever
bears the same id elsewhere or later.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mesostw.core.master import reconcile
from mesostw.core.master.changes import KillDropped, KillKept
from mesostw.core.master.records import (
    TERMINAL,
    Agent,
    AgentState,
    Framework,
    KillRecord,
    Task,
    TaskKey,
)
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Send
from mesostw.messages.agent_master import KillTask
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import FrameworkID, TaskID
from mesostw.messages.scheduler_calls import Kill, ReconcileTask
from mesostw.model.ids import AgentId, FrameworkId, TaskId

#: Kills remembered of tasks that an absent agent may have.
EARLY_KILLS_MAX: Final = 10_000


# --- of frameworks ------------------------------------------------------------


def asked(turn: Turn, framework: Framework, heard: Kill) -> None:
    """A framework wants a task ended; of an unknown one it is told what is known."""
    turn.count("messages_kill_task")
    task = turn.state.tasks.get((framework.id, TaskId(heard.task_id.value)))
    if task is None:
        _asked_early(turn, framework, heard)
        named = ReconcileTask(task_id=heard.task_id, agent_id=heard.agent_id)
        reconcile.explicit(turn, framework, named)
    elif heard.agent_id is not None and heard.agent_id.value != task.agent_id:
        turn.count("invalid_kills")
    elif task.state not in TERMINAL:
        # Repeating it does no harm.
        turn.live.kills.setdefault(task.agent_id, {})[task.key] = heard.kill_policy
        _say(turn, task.agent_id, task.key, heard.kill_policy)


def _asked_early(turn: Turn, framework: Framework, heard: Kill) -> None:
    """A task that is not known may be there when its agent comes back: remember the kill."""
    task_id = TaskId(heard.task_id.value)
    strayed = turn.state.load_of(framework.id).unreachable.get(task_id)
    named = "" if heard.agent_id is None else heard.agent_id.value
    agent_id = AgentId(named) if strayed is None else strayed.agent_id
    agent = turn.state.agents.get(agent_id)
    if agent is not None and agent.state in {AgentState.RECOVERED, AgentState.UNREACHABLE}:
        kills = turn.live.kills.setdefault(agent_id, {})
        if len(kills) < EARLY_KILLS_MAX:
            kills[framework.id, task_id] = heard.kill_policy


def completed(turn: Turn, task: Task) -> None:
    """A framework has heard the end of ``task``, and wants nothing more of it."""
    kills = turn.live.kills.get(task.agent_id)
    if kills is not None:
        kills.pop(task.key, None)
        if not kills:
            del turn.live.kills[task.agent_id]


# --- of operators -------------------------------------------------------------


def ordered(turn: Turn, task: Task, policy: KillPolicy | None) -> None:
    """
    An operator wants ``task`` ended: now, or when its agent is back.

    There is one wish at most for each task that is known, so they need no limit of their own.
    """
    if task.state in TERMINAL:
        return
    kept = KillRecord(task.agent_id, task.framework_id, task.id, policy)
    if turn.state.kills.get(task.agent_id, {}).get(task.key) != kept:
        turn.change(KillKept(kept))
    _say(turn, task.agent_id, task.key, policy)


def settled(turn: Turn, agent_id: AgentId, key: TaskKey) -> None:
    """The agent has said that the task ended: there is nothing left to kill."""
    kept = turn.state.kills.get(agent_id, {}).get(key)
    if kept is not None:
        turn.change(KillDropped(kept))


def agent_left(turn: Turn, agent_id: AgentId) -> None:
    """An agent never comes back, and no task of it does."""
    turn.live.kills.pop(agent_id, None)
    for kept in tuple(turn.state.kills.get(agent_id, {}).values()):
        turn.change(KillDropped(kept))


def framework_left(turn: Turn, framework_id: FrameworkId) -> None:
    """A framework is removed: whatever runs of it is ended as a whole."""
    of_all = [kept for kills in turn.state.kills.values() for kept in kills.values()]
    for kept in of_all:
        if kept.framework_id == framework_id:
            turn.change(KillDropped(kept))


# --- said to agents -----------------------------------------------------------


def message(turn: Turn, key: TaskKey, policy: KillPolicy | None) -> KillTask:
    """Put a kill into words."""
    return KillTask(
        framework_id=FrameworkID(value=key[0]),
        task_id=TaskID(value=key[1]),
        kill_policy=policy,
        epoch=turn.epoch,
    )


def _say(turn: Turn, agent_id: AgentId, key: TaskKey, policy: KillPolicy | None) -> None:
    agent = turn.state.agents.get(agent_id)
    if agent is not None and agent.link is not None:
        turn.effects.append(Send(agent.link, message(turn, key, policy)))


def repeated(turn: Turn, agent: Agent, doubles: Collection[TaskKey]) -> None:
    """
    Say all kills again that an agent which is back may have missed, of tasks that it has.

    :param doubles: tasks of it whose framework has another of that id elsewhere; they are
        being killed anyway, and may have to be again.
    """
    wanted = {
        key: policy
        for key, policy in turn.live.kills.pop(agent.id, {}).items()
        if _runs(turn, agent, key)
    }
    if wanted:
        turn.live.kills[agent.id] = dict(wanted)
    for key, kept in tuple(turn.state.kills.get(agent.id, {}).items()):
        if _runs(turn, agent, key):
            wanted[key] = kept.kill_policy
        elif key not in doubles:
            turn.change(KillDropped(kept))
    for key, policy in wanted.items():
        turn.send(agent.link, message(turn, key, policy))


def _runs(turn: Turn, agent: Agent, key: TaskKey) -> bool:
    """Whether the agent has the task, or may be about to."""
    task = turn.state.tasks.get(key)
    return task is not None and task.agent_id == agent.id and task.state not in TERMINAL
