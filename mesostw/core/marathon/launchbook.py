"""What launching remembers of one life: what is wished, agents, offers, tokens."""

from __future__ import annotations

from msgspec import Struct

from mesostw.core.framework.flows import Flows
from mesostw.core.framework.places import Place
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon.constraints import Tally
from mesostw.core.marathon.matching import Rules
from mesostw.core.marathon.needs import Need
from mesostw.core.marathon.reasons import Reason
from mesostw.core.marathon.taskinfo import Mould
from mesostw.core.marathon.words import ReviveDue
from mesostw.model.apps import App, AppId, Stamp
from mesostw.model.ids import AgentId, OfferId


class Wish:
    """An app that has instances left to launch, and how that went so far."""

    __slots__ = ("declined", "last_unused", "last_used", "mould", "need", "processed", "used")

    def __init__(self, need: Need, mould: Mould) -> None:
        self.need = need
        self.mould = mould
        #: Offers that were looked at; those that did; why the others did not.
        self.processed = 0
        self.used = 0
        self.declined: dict[Reason, int] = {}
        #: In wall seconds.
        self.last_used: float | None = None
        self.last_unused: float | None = None

    @property
    def app(self) -> App:
        return self.need.app

    def took_over(self, other: Wish) -> None:
        """Go on counting where another wish of the same configuration was."""
        self.processed, self.used = other.processed, other.used
        self.declined = other.declined
        self.last_used, self.last_unused = other.last_used, other.last_unused

    def did(self, wall: float) -> None:
        """An offer was used."""
        self.processed += 1
        self.used += 1
        self.last_used = wall

    def did_not(self, reason: Reason, wall: float) -> None:
        """An offer did not do."""
        self.processed += 1
        self.declined[reason] = self.declined.get(reason, 0) + 1
        self.last_unused = wall


class KnownAgent(Struct):
    """An agent that has offered something."""

    place: Place
    #: The last offer to each role, with what we have used of it taken off.
    spots: dict[str, Spot]


class LaunchBook:
    """Everything of launching that a life forgets at its end."""

    def __init__(self) -> None:
        self.wishes: dict[AppId, Wish] = {}
        #: Counted instances, each with how often placements of the app had changed then.
        self.tallies: dict[AppId, tuple[Stamp, int, Tally]] = {}
        self.agents: dict[AgentId, KnownAgent] = {}
        #: The master's; empty if it has none.
        self.home_region = ""
        #: What the last offers were matched by.
        self.rules: Rules | None = None
        #: When offers came last, in wall seconds.
        self.offered_at: float | None = None
        #: When something of a role was last launched or killed, in steady seconds.
        self.stirred: dict[str, float] = {}
        #: Offers that are held, and since when, in steady seconds.
        self.held: dict[OfferId, tuple[Spot, float]] = {}
        #: Launch tokens; ``None`` before the first was asked for.
        self.tokens: int | None = None
        #: In steady seconds, as all that follows.
        self.tokens_due = 0.0
        self.sweep_due = 0.0
        self.flows = Flows(ReviveDue())
        #: Apps with an instance on every agent, and since when their agents are looked for.
        self.everywhere: dict[AppId, Looking] = {}


class Looking:
    """The search for the agents of an app that is to be on all of them."""

    __slots__ = ("config", "first_offer", "since")

    def __init__(self, config: Stamp, since: float) -> None:
        self.config = config
        self.since = since
        #: When the first offer came after that.
        self.first_offer: float | None = None
