"""Why launches wait, in the API's words and in sentences."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from mesostw.messages.offers import Offer
from mesostw.model.apps import App, AppId
from mesostw.model.ids import AgentId


class Reason(StrEnum):
    """
    Why an offer does not do, in the order in which the first one counts.

    ``NoCorrespondingReservationFound`` is of volumes, which apps do not have yet.
    """

    UNFULFILLED_ROLE = "UnfulfilledRole"
    UNFULFILLED_CONSTRAINT = "UnfulfilledConstraint"
    NO_RESERVATION = "NoCorrespondingReservationFound"
    AGENT_MAINTENANCE = "AgentMaintenance"
    INSUFFICIENT_CPUS = "InsufficientCpus"
    INSUFFICIENT_MEMORY = "InsufficientMemory"
    INSUFFICIENT_DISK = "InsufficientDisk"
    INSUFFICIENT_GPUS = "InsufficientGpus"
    INSUFFICIENT_PORTS = "InsufficientPorts"
    DECLINED_SCARCE_RESOURCES = "DeclinedScarceResources"


class FunnelStep(Struct, frozen=True):
    """How many offers came to a reason's question, and how many got no further."""

    reason: Reason
    declined: int
    processed: int


class UnusedOffer(Struct, frozen=True):
    """An agent's last offer, which did not do, and everything that speaks against it."""

    offer: Offer
    reasons: tuple[Reason, ...]
    #: In wall seconds.
    at: float


class QueueReport(Struct, frozen=True):
    """An app that has instances left to launch; times in wall seconds."""

    #: What is launched, which may be older than what is wished.
    app: App
    count: int
    role: str
    since: float
    #: Until a back-off ends, in seconds; 0 without one.
    delay_left_s: float
    #: Offers that were looked at since ``since``, and those of them that did not do.
    processed: int
    unused: int
    last_unused: float | None
    last_used: float | None
    #: Of each agent's last offer.
    last_offers: tuple[FunnelStep, ...]
    #: Of all offers that were looked at since ``since``.
    launch_attempt: tuple[FunnelStep, ...]
    #: The newest first.
    unused_offers: tuple[UnusedOffer, ...]

    @property
    def overdue(self) -> bool:
        """Whether nothing but offers is waited for."""
        return self.delay_left_s <= 0.0


class Shortfall(Struct, frozen=True):
    """What is missing at one agent."""

    agent_id: AgentId
    hostname: str
    reason: Reason
    #: ``2.5 of 4 cpus free``.
    text: str


class Cause(Struct, frozen=True):
    """
    Something that keeps an app from having all of its instances.

    ``kind`` is one of ``suspended``, ``disconnected``, ``paused``, ``earlier_step``,
    ``backed_off``, ``pacing``, ``no_offers``, ``refused``, ``starting``, ``unreachable``,
    ``unhealthy``.
    """

    kind: str
    text: str
    #: When it ends by itself, in wall seconds.
    until: float | None = None


class WhyReport(Struct, frozen=True):
    """Why an app is as it is."""

    app_id: AppId
    #: All of it in one sentence.
    sentence: str
    wished: int
    #: Instances on agents that stand for a wished one, whatever they do there.
    placed: int
    #: Instances that are to be launched.
    waiting: int
    causes: tuple[Cause, ...]
    #: Of each agent's last offer.
    funnel: tuple[FunnelStep, ...] = ()
    #: Agents whose last offer did not do; those that lack least come first.
    shortfalls: tuple[Shortfall, ...] = ()
