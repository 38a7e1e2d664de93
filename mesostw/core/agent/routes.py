"""
Routes through this agent, for bytes between a scheduler and its executor.

The master opens a route on our link to it; we join it with one on the executor's link,
which has the same number.  Frames then pass without being read.
"""

from __future__ import annotations

from mesostw.core.agent.changes import ExecutorKey
from mesostw.core.agent.turn import Turn
from mesostw.core.outcome import Route, Send, Unroute
from mesostw.messages.agent_master import RouteClosed, RouteOpened
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID
from mesostw.model.ids import ExecutorId, FrameworkId, LinkId, RouteId


def opened(turn: Turn, heard: RouteOpened) -> None:
    """The master forwards frames of this number between us and a scheduler."""
    key = FrameworkId(heard.framework_id.value), ExecutorId(heard.executor_id.value)
    turn.live.routes[key] = heard.route
    restored(turn, key)


def restored(turn: Turn, key: ExecutorKey) -> None:
    """Join the master's route, if there is one, with the executor's link, if it is there."""
    live = turn.live
    route, link = live.routes.get(key), live.link_of.get(key)
    if route is None or link is None or live.master is None:
        return
    if link in live.streams:
        # The master goes on with messages that we can read.
        del live.routes[key]
        turn.tell_master(RouteClosed(route=route))
        return
    number = RouteId(route)
    turn.do(Route(live.master, number, link, number))
    turn.do(Route(link, number, live.master, number))
    turn.do(Send(link, _opened(turn, key, route)))


def closed(turn: Turn, heard: RouteClosed) -> None:
    """The master forwards no more under this number."""
    for key, route in turn.live.routes.items():
        if route == heard.route:
            del turn.live.routes[key]
            _part(turn, key, route)
            return


def lost(turn: Turn) -> None:
    """The master's link has ended, and all its routes with it."""
    for key, route in turn.live.routes.items():
        _part(turn, key, route)
    turn.live.routes.clear()


def _part(turn: Turn, key: ExecutorKey, route: int) -> None:
    live = turn.live
    link: LinkId | None = live.link_of.get(key)
    if live.master is not None:
        turn.do(Unroute(live.master, RouteId(route)))
    if link is not None:
        turn.do(Unroute(link, RouteId(route)))
        turn.do(Send(link, RouteClosed(route=route)))


def _opened(turn: Turn, key: ExecutorKey, route: int) -> RouteOpened:
    return RouteOpened(
        route=route,
        framework_id=FrameworkID(value=key[0]),
        agent_id=AgentID(value=turn.state.identity.agent_id),
        executor_id=ExecutorID(value=key[1]),
    )
