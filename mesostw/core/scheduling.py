"""
What the core of any framework hears from its master and says to it.

Marathon's and Chronos' cores speak these words; ``mesostw.client.cores`` turns them into
calls of the public scheduler client, so that a core has nothing that other frameworks lack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from mesostw.messages.health import KillPolicy
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Offer
from mesostw.messages.operations import OfferOperation
from mesostw.messages.tasks import TaskStatus
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, OfferId, TaskId

# --- stimuli ----------------------------------------------------------------


class Registered(Struct, frozen=True):
    """A master has subscribed us, for the first time or after a broken link."""

    framework_id: FrameworkId
    master: MasterInfo | None


class MasterLost(Struct, frozen=True):
    """The link to the master broke: all offers are void, calls are not heard."""


class Offered(Struct, frozen=True):
    """Resources to use; each offer is to be accepted or declined."""

    offers: tuple[Offer, ...]


class Rescinded(Struct, frozen=True):
    """An offer is void."""

    offer_id: OfferId


class StatusCame(Struct, frozen=True):
    """A task moved, or a word is repeated; it comes again until it is acknowledged."""

    status: TaskStatus


class MessageCame(Struct, frozen=True):
    """An executor says something."""

    agent_id: AgentId
    executor_id: ExecutorId
    content: bytes


class AgentFailed(Struct, frozen=True):
    """An agent is lost, or (with ``executor_id``) one of our executors has ended."""

    agent_id: AgentId | None
    executor_id: ExecutorId | None
    status: int | None


class Refused(Struct, frozen=True):
    """The master will not have this framework; the client stops after this."""

    message: str


FrameworkStimulus: TypeAlias = (
    Registered | MasterLost | Offered | Rescinded | StatusCame | MessageCame | AgentFailed | Refused
)

# --- effects ----------------------------------------------------------------


class AcceptOffers(Struct, frozen=True):
    """Use offers of one agent; what is left is refused for ``refuse_s``."""

    offer_ids: tuple[OfferId, ...]
    operations: tuple[OfferOperation, ...]
    refuse_s: float


class DeclineOffers(Struct, frozen=True):
    """Refuse offers, and the same resources for ``refuse_s``."""

    offer_ids: tuple[OfferId, ...]
    refuse_s: float


class KillTask(Struct, frozen=True):
    """End a task; said again by the client after each reconnection until it has ended."""

    task_id: TaskId
    agent_id: AgentId | None
    policy: KillPolicy | None = None


class AcknowledgeStatus(Struct, frozen=True):
    """What a status says is kept: it need not come again."""

    status: TaskStatus


class ReviveOffers(Struct, frozen=True):
    """Offers again for ``roles``, all filters forgotten."""

    roles: tuple[str, ...]


class SuppressOffers(Struct, frozen=True):
    """No more offers for ``roles`` until they are revived."""

    roles: tuple[str, ...]


class UpdateRoles(Struct, frozen=True):
    """Be in other roles, none of them suppressed; the next subscription has them too."""

    roles: tuple[str, ...]


class ReconcileTasks(Struct, frozen=True):
    """Ask for the state of tasks (with their agents, if known); of all if none is named."""

    tasks: Mapping[TaskId, AgentId | None]


FrameworkEffect: TypeAlias = (
    AcceptOffers
    | DeclineOffers
    | KillTask
    | AcknowledgeStatus
    | ReviveOffers
    | SuppressOffers
    | UpdateRoles
    | ReconcileTasks
)
