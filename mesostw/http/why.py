"""``/api/v1/why/KIND/ID``: why something is as it is, in a sentence, facts and a story."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klein import Klein

from mesostw.core.master.state import Agent, ClusterState, Framework, Task
from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, as_json
from mesostw.interfaces import IFeed
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.resources import Resources

MEASURES = ("cpus", "mem", "disk", "gpus")
#: What the driver remembers of something, by a text that its stimuli mention.
Story = Callable[[str], Sequence[str]]


class WhyApi:
    """
    Explains tasks, agents and frameworks.

    :param story: the last stimuli and outcomes that touched an id, oldest first.
    """

    app = Klein()

    def __init__(self, feed: IFeed, story: Story) -> None:
        self._feed, self._story = feed, story

    @property
    def _view(self) -> ClusterState:
        view: ClusterState = self._feed.view
        return view

    @app.route("/task/<framework_id>/<path:task_id>")
    @as_json
    async def task(self, query: Query, framework_id: str, task_id: str) -> object:
        """Why a task is in its state."""
        found = self._view.task(FrameworkId(framework_id), TaskId(task_id))
        if found is None:
            raise HttpRefusal.not_found("No such task.\n")
        agent = self._view.agents.get(found.agent_id)
        return self._told(task_sentence(found, agent), task_facts(found, agent), task_id)

    @app.route("/agent/<agent_id>")
    @as_json
    async def agent(self, query: Query, agent_id: str) -> object:
        """Why an agent offers what it offers."""
        found = self._view.agents.get(AgentId(agent_id))
        if found is None:
            raise HttpRefusal.not_found("No such agent.\n")
        load = self._view.agent_load_of(found.id)
        facts = [
            f"It has {_amounts(found.total)}.",
            f"{len(load.tasks)} tasks use {_amounts(load.used)}.",
            f"{len(load.offers)} offers hold {_amounts(load.offered)}.",
        ]
        return self._told(agent_sentence(found), facts, agent_id)

    @app.route("/framework/<framework_id>")
    @as_json
    async def framework(self, query: Query, framework_id: str) -> object:
        """Why a framework gets offers, or none."""
        found = self._view.framework(FrameworkId(framework_id))
        if found is None:
            raise HttpRefusal.not_found("No such framework.\n")
        load = self._view.load_of(found.id)
        facts = [
            f"It has {len(load.offers)} offers and {len(load.tasks)} tasks.",
            f"Its roles: {', '.join(found.roles) or 'none'}.",
        ]
        if found.suppressed:
            facts.append(f"It wants no offers for {', '.join(sorted(found.suppressed))}.")
        return self._told(framework_sentence(found, self._view), facts, framework_id)

    def _told(self, sentence: str, facts: list[str], mention: str) -> object:
        return {"sentence": sentence, "facts": facts, "story": list(self._story(mention))}


def task_sentence(task: Task, agent: Agent | None) -> str:
    """What the newest status says, in one sentence."""
    where = agent.info.hostname if agent is not None else task.agent_id
    last = task.statuses[-1] if task.statuses else None
    because = f": {last.message.rstrip('.')}" if last is not None and last.message else ""
    if not task.statuses:
        return f"The task was sent to {where}, which has not said anything of it yet."
    return f"The task on {where} is {task.state.value}{because}."


def task_facts(task: Task, agent: Agent | None) -> list[str]:
    """What is known beside the state."""
    facts = [f"It asked for {_amounts(task.resources)} in role {task.role}."]
    if task.statuses:
        last = task.statuses[-1]
        if last.reason is not None:
            facts.append(f"Reason: {last.reason.value}.")
        if last.source is not None:
            facts.append(f"Said by: {last.source.value}.")
        if task.update_uuid is not None and task.update_state is not task.state:
            facts.append("Its framework has not acknowledged every status yet.")
    if agent is None:
        facts.append("Its agent is not known any more.")
    elif agent.state.value != "active":
        facts.append(f"Its agent is {agent.state.value}.")
    return facts


def agent_sentence(agent: Agent) -> str:
    """How the master stands to an agent."""
    host = agent.info.hostname
    match agent.state.value:
        case "active":
            return f"{host} is connected, and what is free on it is offered."
        case "inactive":
            return f"{host} is connected, but an operator wants no offers of it."
        case "disconnected":
            return f"The link to {host} has ended; it is given time to come back."
        case "unreachable":
            return f"{host} was silent for too long; its tasks are unreachable until it is back."
        case "recovered":
            return f"{host} was admitted earlier, and has not come back to this master yet."
        case _:
            return f"{host} is gone for good: an operator said so."


def framework_sentence(framework: Framework, view: ClusterState) -> str:
    """Whether a framework may get offers, and if not, why."""
    name = framework.info.name
    if not framework.is_connected:
        return f"{name} is {framework.state.value}: it gets no offers until it subscribes again."
    if framework.state.value == "inactive":
        return f"{name} reads too slowly to be given offers."
    if framework.roles and framework.suppressed >= set(framework.roles):
        return f"{name} has suppressed offers for all its roles; it gets some after REVIVE."
    if not any(agent.state.value == "active" for agent in view.agents.values()):
        return f"{name} waits: no agent is active."
    return f"{name} is subscribed and is offered what is free, as its share allows."


def _amounts(resources: Resources) -> str:
    scalars = resources.scalars()
    told = [f"{scalars[name] / 1000:g} {name}" for name in MEASURES if scalars.get(name)]
    return ", ".join(told) or "nothing"
