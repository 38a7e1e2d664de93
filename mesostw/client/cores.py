"""
A framework whose decisions are made by a core, on the public scheduler client.

Callbacks become stimuli for the core's driver; effects become calls.  The client is made
with ``explicit_acknowledgements``: a status is acknowledged by an effect, so after
everything that it changed is kept, and many may be kept together.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from zope.interface import implementer

from mesostw.client.scheduler import Scheduler
from mesostw.core.scheduling import (
    AcceptOffers,
    AcknowledgeStatus,
    AgentFailed,
    DeclineOffers,
    KillTask,
    MasterLost,
    MessageCame,
    Offered,
    ReconcileTasks,
    Refused,
    Registered,
    Rescinded,
    ReviveOffers,
    StatusCame,
    SuppressOffers,
    UpdateRoles,
)
from mesostw.interfaces import IInbox, IPerformer
from mesostw.messages.ids import OfferID
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Offer
from mesostw.messages.tasks import TaskStatus
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, OfferId


@implementer(IPerformer)
class CoreScheduler(Scheduler):
    """
    Between a core's driver and a scheduler client.

    ``inbox`` is set to the driver before the client is started.

    :param others: performs the effects that are no calls to a master.
    """

    inbox: IInbox

    def __init__(self, others: IPerformer) -> None:
        self._others = others

    # --- what the master says ---------------------------------------------------

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        self.inbox.tell((Registered(FrameworkId(framework_id), master),))

    async def offers(self, offers: Sequence[Offer]) -> None:
        self.inbox.tell((Offered(tuple(offers)),))

    async def rescinded(self, offer_id: str) -> None:
        self.inbox.tell((Rescinded(OfferId(offer_id)),))

    async def updated(self, status: TaskStatus) -> None:
        self.inbox.tell((StatusCame(status),))

    async def message(self, agent_id: str, executor_id: str, content: bytes) -> None:
        self.inbox.tell((MessageCame(AgentId(agent_id), ExecutorId(executor_id), content),))

    async def failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None:
        agent = None if agent_id is None else AgentId(agent_id)
        executor = None if executor_id is None else ExecutorId(executor_id)
        self.inbox.tell((AgentFailed(agent, executor, status),))

    async def disconnected(self) -> None:
        self.inbox.tell((MasterLost(),))

    async def error(self, message: str) -> None:
        self.inbox.tell((Refused(message),))

    # --- what the core says -------------------------------------------------------

    def perform(self, effect: object) -> None:
        """Make a call, or give the effect on; a call while there is no link is not heard."""
        driver = self.driver
        match effect:
            case AcknowledgeStatus(status):
                driver.acknowledge(status)
            case AcceptOffers(offer_ids, operations, refuse_s):
                driver.accept(_named(offer_ids), operations, refuse_s)
            case DeclineOffers(offer_ids, refuse_s):
                driver.decline(_named(offer_ids), refuse_s)
            case KillTask(task_id, agent_id, policy):
                driver.kill(task_id, agent_id, policy)
            case ReviveOffers(roles):
                driver.revive(roles)
            case SuppressOffers(roles):
                driver.suppress(roles)
            case UpdateRoles(roles):
                driver.update(replace(driver.framework, roles=roles))
            case ReconcileTasks(tasks):
                driver.reconcile({str(task): agent for task, agent in tasks.items()})
            case _:
                self._others.perform(effect)


def _named(offer_ids: Sequence[OfferId]) -> list[OfferID]:
    return [OfferID(value=offer_id) for offer_id in offer_ids]
