"""
Bytes between schedulers and executors: forwarded here, or by frames that nobody reads.

The first message of a scheduler to an executor goes through the core and opens a route
between the two bus links; then frames pass by their header.  A route ends with either link.
"""

from __future__ import annotations

from mesostw.core.master.flags import ROUTES_PER_LINK_MAX
from mesostw.core.master.live import Peer, RouteEnds, RouteKey
from mesostw.core.master.records import Agent, Framework
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Route, Unroute
from mesostw.messages import scheduler_events
from mesostw.messages.agent_master import FrameworkMessage, RouteClosed, RouteOpened
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID
from mesostw.messages.scheduler_calls import Message
from mesostw.model.ids import AgentId, FrameworkId, LinkId, RouteId


def said_by_framework(turn: Turn, framework: Framework, heard: Message) -> None:
    """Pass a scheduler's message on to the agent of its executor."""
    turn.count("messages_framework_to_executor")
    agent = turn.state.agents.get(AgentId(heard.agent_id.value))
    if agent is None or agent.link is None:
        turn.count("invalid_framework_to_executor_messages")
        return
    turn.count("valid_framework_to_executor_messages")
    turn.send(
        agent.link,
        FrameworkMessage(
            framework_id=FrameworkID(value=framework.id),
            agent_id=heard.agent_id,
            executor_id=heard.executor_id,
            data=heard.data,
            to_executor=True,
        ),
    )
    if framework.connection == "bus" and framework.link is not None:
        key = (framework.id, agent.id, heard.executor_id.value)
        if (agent.id, framework.id, heard.executor_id.value) in turn.state.executors:
            _open(turn, key, framework.link, agent.link)


def said_by_executor(turn: Turn, peer: Peer, heard: FrameworkMessage) -> None:
    """Pass an executor's message on to its scheduler."""
    turn.count("messages_executor_to_framework")
    framework = turn.state.frameworks.get(FrameworkId(heard.framework_id.value))
    if framework is None or framework.link is None or peer.agent_id is None:
        turn.count("invalid_executor_to_framework_messages")
        return
    turn.count("valid_executor_to_framework_messages")
    turn.send(
        framework.link,
        scheduler_events.Message(
            agent_id=AgentID(value=peer.agent_id), executor_id=heard.executor_id, data=heard.data
        ),
    )


def _open(turn: Turn, key: RouteKey, framework_link: LinkId, agent_link: LinkId) -> None:
    live = turn.live
    if key in live.routes or key in live.unroutable:
        return
    if len(live.routes_of.get(framework_link, ())) >= ROUTES_PER_LINK_MAX:
        return
    ends = RouteEnds(
        framework_link, _number(turn, framework_link), agent_link, _number(turn, agent_link)
    )
    live.routes[key] = ends
    live.routes_of.setdefault(framework_link, {})[key] = None
    live.routes_of.setdefault(agent_link, {})[key] = None
    turn.do(Route(framework_link, ends.framework_route, agent_link, ends.agent_route))
    turn.do(Route(agent_link, ends.agent_route, framework_link, ends.framework_route))
    turn.send(agent_link, _opened(key, ends.agent_route))
    turn.send(framework_link, _opened(key, ends.framework_route))


def _number(turn: Turn, link: LinkId) -> RouteId:
    number = turn.live.last_route.get(link, 0) + 1
    turn.live.last_route[link] = number
    return RouteId(number)


def _opened(key: RouteKey, number: RouteId) -> RouteOpened:
    framework_id, agent_id, executor_id = key
    return RouteOpened(
        route=number,
        framework_id=FrameworkID(value=framework_id),
        agent_id=AgentID(value=agent_id),
        executor_id=ExecutorID(value=executor_id),
    )


def refused(turn: Turn, link: LinkId, heard: RouteClosed) -> None:
    """An agent cannot pass frames on to an executor: its messages go through the core."""
    for key in tuple(turn.live.routes_of.get(link, ())):
        if turn.live.routes[key].agent_route == heard.route:
            closed(turn, key)
            turn.live.unroutable.add(key)


def executor_removed(turn: Turn, key: RouteKey) -> None:
    """The next executor of this name may speak otherwise."""
    closed(turn, key)
    turn.live.unroutable.discard(key)


def of_link(turn: Turn, link: LinkId) -> None:
    """End every route of a link that is not used any more."""
    for key in tuple(turn.live.routes_of.get(link, ())):
        closed(turn, key)
    turn.live.last_route.pop(link, None)


def of_agent(turn: Turn, agent: Agent) -> None:
    """End every route to an agent."""
    if agent.link is not None:
        of_link(turn, agent.link)


def closed(turn: Turn, key: RouteKey) -> None:
    """End a route; none there is no error."""
    live = turn.live
    ends = live.routes.pop(key, None)
    if ends is None:
        return
    for link, number in (
        (ends.framework_link, ends.framework_route),
        (ends.agent_link, ends.agent_route),
    ):
        keys = live.routes_of.get(link)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del live.routes_of[link]
        turn.do(Unroute(link, number))
        if link in live.links:
            turn.send(link, RouteClosed(route=number))
