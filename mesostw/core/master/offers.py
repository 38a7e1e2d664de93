"""
Offers: resources of one agent for one framework in one role.

What the allocator grants is taken there already; here it gets a name, a deadline and
is told.  An offer ends by being accepted, declined, rescinded, or with who had it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from mesostw.core.allocator import Grant
from mesostw.core.allocator.filters import refuse_seconds
from mesostw.core.master.changes import OfferEnded, OfferMade
from mesostw.core.master.records import Agent, Framework, Offer
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Send
from mesostw.messages import offers as messages
from mesostw.messages.convert import messages_of
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, OfferID
from mesostw.messages.machines import URL, Address
from mesostw.messages.offers import Filters
from mesostw.messages.resources import AllocationInfo
from mesostw.messages.scheduler_calls import Decline
from mesostw.messages.scheduler_events import Offers, Rescind
from mesostw.model.ids import AgentId, FrameworkId, LinkId, OfferId


def made(turn: Turn, grants: Iterable[Grant]) -> None:
    """Offer what was granted: one event for each framework, however many agents."""
    told: dict[LinkId, list[messages.Offer]] = {}
    state, live = turn.state, turn.live
    timeout_s = turn.flags.offer_timeout_s
    for grant in grants:
        framework = state.frameworks.get(grant.framework)
        agent = state.agents.get(grant.agent)
        if framework is None or framework.link is None or agent is None:
            turn.allocator.give_back(
                grant.agent, grant.framework, grant.role, grant.resources, now=turn.now.steady
            )
            continue
        offer = Offer(
            OfferId(f"{turn.master_id}-O{live.offers_named}"),
            grant.framework,
            grant.agent,
            grant.role,
            grant.resources,
            turn.now.wall,
        )
        live.offers_named += 1
        turn.change(OfferMade(offer))
        if timeout_s is not None:
            live.offer_deadlines[offer.id] = turn.now.steady + timeout_s
        told.setdefault(framework.link, []).append(_message_of(turn, offer, framework, agent))
    for link, offers in told.items():
        turn.do(Send(link, Offers(offers=tuple(offers))))


def _message_of(turn: Turn, offer: Offer, framework: Framework, agent: Agent) -> messages.Offer:
    refined = "RESERVATION_REFINEMENT" in framework.capabilities
    executors = turn.state.agent_loads[agent.id].executors
    return messages.Offer(
        id=OfferID(value=offer.id),
        framework_id=_framework_id(framework.id),
        agent_id=AgentID(value=agent.id),
        hostname=agent.info.hostname,
        url=_url_of(agent),
        domain=agent.info.domain,
        resources=messages_of(offer.resources, offer.role, refined=refined),
        attributes=agent.info.attributes,
        executor_ids=tuple(ExecutorID(value=key[2]) for key in executors if key[1] == framework.id),
        allocation_info=_allocation(offer.role),
    )


@lru_cache(maxsize=1024)
def _framework_id(framework_id: FrameworkId) -> FrameworkID:
    return FrameworkID(value=framework_id)


@lru_cache(maxsize=1024)
def _allocation(role: str) -> AllocationInfo:
    return AllocationInfo(role=role)


def _url_of(agent: Agent) -> URL:
    ip = agent.address.rpartition(":")[0]
    address = Address(hostname=agent.info.hostname, ip=ip or None, port=agent.info.port)
    return URL(scheme="http", address=address, path="/slave(1)")


def ended(turn: Turn, offer: Offer, how: str) -> None:
    """End an offer without giving back what was in it."""
    turn.live.offer_ended(offer.id, how)
    turn.change(OfferEnded(offer, how))


def given_back(turn: Turn, offer: Offer, how: str, refuse_s: float = 0.0) -> None:
    """End an offer and free all that was in it."""
    ended(turn, offer, how)
    turn.allocator.give_back(
        offer.agent_id,
        offer.framework_id,
        offer.role,
        offer.resources,
        refuse_s=refuse_s,
        now=turn.now.steady,
    )


def rescinded(turn: Turn, offer: Offer, how: str = "rescinded") -> None:
    """Take an offer back and tell the framework."""
    given_back(turn, offer, how)
    turn.tell(offer.framework_id, Rescind(offer_id=OfferID(value=offer.id)))


def declined(turn: Turn, framework: Framework, heard: Decline) -> None:
    """A framework does not want offers; those that have ended are nothing new to it."""
    turn.count("messages_decline_offers")
    refuse_s = refusal_of(heard.filters)
    for one in heard.offer_ids:
        offer = turn.state.offers.get(OfferId(one.value))
        if offer is not None and offer.framework_id == framework.id:
            given_back(turn, offer, "declined", refuse_s)


def refusal_of(filters: Filters | None) -> float:
    """For how many seconds the like is not offered again: 5 if a framework does not say."""
    return refuse_seconds(None if filters is None else filters.refuse_seconds)


def of_agent(turn: Turn, agent_id: AgentId, how: str) -> None:
    """Take all offers of an agent back."""
    for offer_id in tuple(turn.state.agent_load_of(agent_id).offers):
        rescinded(turn, turn.state.offers[offer_id], how)


def of_framework(turn: Turn, framework_id: FrameworkId) -> None:
    """Free what a framework was offered, which has ended or is another process now."""
    for offer_id in tuple(turn.state.load_of(framework_id).offers):
        given_back(turn, turn.state.offers[offer_id], "lost")


def expired(turn: Turn) -> None:
    """Take back what was not used in time."""
    deadlines, now = turn.live.offer_deadlines, turn.now.steady
    while deadlines:
        offer_id = next(iter(deadlines))
        if deadlines[offer_id] > now:
            return
        rescinded(turn, turn.state.offers[offer_id])
