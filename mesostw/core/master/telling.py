"""Why something is as it is, in words, and what last happened to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from mesostw.core.allocator import Allocator
from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    AgentRemoved,
    FrameworkChanged,
    FrameworkKept,
    FrameworkRemoved,
    KillDropped,
    KillKept,
    MasterChange,
    OfferEnded,
    OfferMade,
    TaskChanged,
    TaskRemoved,
    TaskStrayed,
)
from mesostw.core.master.records import Agent, AgentState, Framework, FrameworkState, Task
from mesostw.core.master.state import ClusterState
from mesostw.core.outcome import Heard
from mesostw.core.story import Line, Story
from mesostw.model.ids import AgentId, FrameworkId, TaskId

#: Facts of one answer.
FACTS_MAX: Final = 20

_AGENT_SENTENCES: Final = {
    AgentState.ACTIVE: "is connected, and what is free there is offered",
    AgentState.INACTIVE: "is connected, but an operator wants no offers of it",
    AgentState.DISCONNECTED: "lost its connection and is expected back",
    AgentState.UNREACHABLE: "did not answer for too long; its tasks may still run",
    AgentState.RECOVERED: "was known before the master started and is expected back",
    AgentState.GONE: "is marked gone by an operator and may not come back",
}
_FRAMEWORK_SENTENCES: Final = {
    FrameworkState.ACTIVE: "is subscribed and is made offers",
    FrameworkState.INACTIVE: "is subscribed but reads too slowly to be made offers",
    FrameworkState.DISCONNECTED: "lost its connection and has its failover timeout to come back",
    FrameworkState.RECOVERED: "was known before the master started and is expected back",
    FrameworkState.COMPLETED: "has ended and may not come back",
}


class Reason(Struct, frozen=True):
    """The answer to "why?"."""

    sentence: str
    facts: tuple[str, ...]
    story: tuple[str, ...]


def why_task(state: ClusterState, story: Story, name: str) -> Reason | None:
    """Explain a task, named ``FRAMEWORK/TASK``."""
    framework_id, _, task_id = name.partition("/")
    task = state.task(FrameworkId(framework_id), TaskId(task_id))
    if task is None:
        return None
    last = task.statuses[-1] if task.statuses else None
    sentence = f"Task {task.id} is {task.state}"
    if last is None:
        sentence += ": it was sent to its agent, which has not reported yet"
    elif last.message or last.reason:
        sentence += f": {last.message or last.reason}"
    return Reason(sentence, tuple(_facts_of_task(state, task)), _told(story, f"task/{name}"))


def _facts_of_task(state: ClusterState, task: Task) -> list[str]:
    facts = [
        f"It was launched in role {task.role} on agent {task.agent_id}",
        f"It asked for {task.resources.text()}",
    ]
    agent = state.agents.get(task.agent_id)
    facts.append(
        f"Agent {task.agent_id} is not known any more"
        if agent is None
        else f"Agent {agent.id} ({agent.info.hostname}) is {agent.state}"
    )
    if task.key in state.kills.get(task.agent_id, {}):
        facts.append("An operator wants it ended, and its agent has not said that it has")
    for status in task.statuses:
        reason = "" if status.reason is None else f" ({status.reason})"
        facts.append(f"{_clock(status.timestamp)} {status.state}{reason} {status.message or ''}")
    if task.is_terminal and task.key in state.tasks:
        facts.append("Its framework has not acknowledged the last status yet")
    return facts[:FACTS_MAX]


def why_agent(state: ClusterState, story: Story, agent_id: AgentId) -> Reason | None:
    """Explain an agent."""
    agent: Agent | None = state.agents.get(agent_id)
    if agent is None:
        return None
    load = state.agent_load_of(agent_id)
    facts = (
        f"It has {agent.total.text() or 'nothing that is known now'}",
        f"Used: {load.used.text() or 'nothing'}; offered: {load.offered.text() or 'nothing'}",
        f"{len(load.tasks)} tasks, {len(load.offers)} offers, {len(load.executors)} executors",
    )
    sentence = f"Agent {agent.id} ({agent.info.hostname}) {_AGENT_SENTENCES[agent.state]}"
    return Reason(sentence, facts, _told(story, f"agent/{agent_id}"))


def why_framework(
    state: ClusterState, story: Story, allocator: Allocator, framework_id: FrameworkId
) -> Reason | None:
    """Explain a framework, and why it has no more offers than it has."""
    framework: Framework | None = state.framework(framework_id)
    if framework is None:
        return None
    load = state.load_of(framework_id)
    facts = [f"{len(load.tasks)} tasks, {len(load.offers)} offers"]
    if framework.suppressed:
        facts.append(f"It wants no offers in {', '.join(sorted(framework.suppressed))}")
    for reason, count in sorted(allocator.why(framework_id).counts.items()):
        facts.append(f"Not offered, {reason}: {count} agents")
    sentence = (
        f"Framework {framework.info.name} ({framework.id}) {_FRAMEWORK_SENTENCES[framework.state]}"
    )
    return Reason(sentence, tuple(facts[:FACTS_MAX]), _told(story, f"framework/{framework_id}"))


def _told(story: Story, key: str) -> tuple[str, ...]:
    return tuple(f"{_clock(line.wall)} {line.heard}: {line.said}" for line in story.story(key))


def _clock(wall: float | None) -> str:
    if wall is None:
        return "--:--:--"
    return datetime.fromtimestamp(wall, UTC).strftime("%H:%M:%S.%f")[:-3]


def noted(story: Story, stimulus: object, changes: Iterable[MasterChange], wall: float) -> None:
    """Remember what ``stimulus`` led to."""
    heard = type(stimulus.message if isinstance(stimulus, Heard) else stimulus).__name__
    for change in changes:
        match change:
            case TaskChanged() | TaskRemoved() | TaskStrayed() | KillKept() | KillDropped():
                said, key = _of_task(change)
            case OfferMade(offer):
                said, key = f"{offer.id} offered", f"agent/{offer.agent_id}"
            case OfferEnded(offer, how):
                said, key = f"{offer.id} {how}", f"agent/{offer.agent_id}"
            case AgentKept(agent) | AgentChanged(agent):
                said, key = agent.state.value, f"agent/{agent.id}"
            case AgentRemoved(agent_id):
                said, key = "removed", f"agent/{agent_id}"
            case FrameworkKept(framework) | FrameworkChanged(framework):
                said, key = framework.state.value, f"framework/{framework.id}"
            case FrameworkRemoved(framework):
                said, key = "removed", f"framework/{framework.id}"
            case _:
                continue
        story.note(key, Line(wall, heard, said))


def _of_task(
    change: TaskChanged | TaskRemoved | TaskStrayed | KillKept | KillDropped,
) -> tuple[str, str]:
    """What a change says of a task, and the key of its story."""
    if isinstance(change, KillKept | KillDropped):
        kill = change.kill
        return type(change).__name__, f"task/{kill.framework_id}/{kill.task_id}"
    task = change.task
    said = task.state.value
    if not isinstance(change, TaskChanged):
        said = f"{said}, {type(change).__name__}"
    return said, f"task/{task.framework_id}/{task.id}"
