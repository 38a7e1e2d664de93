"""
Apps with one instance on every agent: which agents there are, and which of them do.

Nobody tells a framework of all agents.  Known are those that have offered something in this
life, and those that have an instance of the app; so while there is such an app, offers are
asked for even if nothing waits, and a new agent gets its instance as soon as it offers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mesostw.core.framework.places import Place
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon import flows
from mesostw.core.marathon.changes import AppChanged
from mesostw.core.marathon.constraints import Tally, place_of_instance, refusing
from mesostw.core.marathon.launchbook import KnownAgent, Looking
from mesostw.core.marathon.matching import Rules, is_home, is_scarce, rules_of
from mesostw.core.marathon.needs import Need, need_of
from mesostw.core.marathon.turn import Turn
from mesostw.core.scheduling import AgentFailed
from mesostw.model.apps import App, AppId
from mesostw.model.ids import AgentId

#: After the first offer: the others of the same round have come by then.
SETTLE_S: Final = 2.0
#: Without any offer: then there is no agent that has anything left.
SETTLE_MAX_S: Final = 10.0


def target(turn: Turn, app: App) -> int:
    """How many instances an app has when it has one on every agent that does."""
    _looking(turn, app)
    need = need_of(app, turn.flags)
    rules = rules_of(turn.flags, turn.live.launch.home_region, turn.now.wall)
    tally = Tally(need.fields)
    for place in _places(turn, need, rules):
        if is_home(need, place, rules) and refusing(app, place, tally) is None:
            tally.add(place)
    return tally.total


def is_settled(turn: Turn, app: App) -> bool:
    """Whether the agents are known well enough for a deployment of the app to end."""
    looking = _looking(turn, app)
    if not turn.live.registered:
        return False
    if looking.first_offer is not None:
        return turn.now.steady >= looking.first_offer + SETTLE_S
    return turn.now.steady >= looking.since + SETTLE_MAX_S


def counted(turn: Turn, app: App) -> App:
    """
    Keep how many instances the app has as the number that clients are shown.

    It is no new version: nobody asked for it.  Until the agents are known the number of the
    life before is shown.
    """
    if not is_settled(turn, app):
        return app
    count = target(turn, app)
    if count == app.spec.instances:
        return app
    app = replace(app, spec=replace(app.spec, instances=count))
    turn.change(AppChanged(app))
    return app


def seen(turn: Turn, spot: Spot) -> bool:
    """
    Know the agent of an offer; tells whether apps may have a place on it that they had not.

    Those apps are looked at again.
    """
    book = turn.live.launch
    known = book.agents.get(spot.agent_id)
    if known is None:
        known = book.agents[spot.agent_id] = KnownAgent(spot.place, {})
    is_same = known.place == spot.place
    is_new = spot.role not in known.spots or not is_same
    if is_same:
        # One object for all instances of an agent, not one for each offer.
        spot.place = known.place
    known.place = spot.place
    known.spots[spot.role] = spot
    if is_new:
        _mark_all(turn)
    return is_new and bool(book.everywhere)


def offered(turn: Turn) -> None:
    """Offers have come: agents that have something left are known soon."""
    for looking in turn.live.launch.everywhere.values():
        if looking.first_offer is None:
            looking.first_offer = turn.now.steady


def agent_failed(turn: Turn, heard: AgentFailed) -> None:
    """An agent is not there any more; an executor's end says nothing of its agent."""
    if heard.agent_id is None or heard.executor_id is not None:
        return
    if turn.live.launch.agents.pop(heard.agent_id, None) is not None:
        _mark_all(turn)


def restarted(turn: Turn) -> None:
    """Agents may have gone while no master told of it: learn them anew."""
    book = turn.live.launch
    book.agents.clear()
    for looking in book.everywhere.values():
        looking.since, looking.first_offer = turn.now.steady, None
    _mark_all(turn)


def ticked(turn: Turn) -> None:
    """Forget apps that are not everywhere any more; look again at those that have settled."""
    everywhere = turn.live.launch.everywhere
    for app_id in list(everywhere):
        app = turn.state.apps.get(app_id)
        if app is None or not app.spec.every_agent:
            del everywhere[app_id]
        elif _settles_now(turn, everywhere[app_id]):
            turn.mark(app_id)


def _settles_now(turn: Turn, looking: Looking) -> bool:
    """Whether settling may have ended about now; a look too many does no harm."""
    begun = looking.since if looking.first_offer is None else looking.first_offer
    return SETTLE_S <= turn.now.steady - begun <= SETTLE_MAX_S + SETTLE_S


def _mark_all(turn: Turn) -> None:
    for app_id in turn.live.launch.everywhere:
        turn.mark(app_id)


def _looking(turn: Turn, app: App) -> Looking:
    """Since when agents are looked for; a change of configuration looks anew."""
    everywhere: dict[AppId, Looking] = turn.live.launch.everywhere
    looking = everywhere.get(app.id)
    if looking is None or looking.config != app.last_config_change_at:
        looking = everywhere[app.id] = Looking(app.last_config_change_at, turn.now.steady)
        # What was refused while nobody looked is to be seen again.
        flows.wished(turn, app.spec.role)
    return looking


def _places(turn: Turn, need: Need, rules: Rules) -> Iterator[Place]:
    """Every agent that is there for the app, those that have an instance of it first."""
    held: dict[AgentId, Place] = {}
    for instance in turn.state.of_app(need.app.id).values():
        if not instance.is_away:
            held.setdefault(instance.agent_id, place_of_instance(instance))
    yield from held.values()
    for agent_id, agent in turn.live.launch.agents.items():
        spot = agent.spots.get(need.app.spec.role)
        if spot is None or agent_id in held:
            continue
        is_barred = spot.has_gpus and is_scarce(need, rules)
        if not is_barred and not spot.is_unavailable(rules.wall, rules.draining_s):
            yield agent.place
