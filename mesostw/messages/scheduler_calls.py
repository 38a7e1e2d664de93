"""
What a scheduler says to the master, one struct a call.

The framework's id is not in a call: on the bus the link is bound to it by
:class:`Subscribe`, over HTTP it stands in the envelope.
"""

from __future__ import annotations

from typing import Annotated

from mesostw.messages import offers
from mesostw.messages.constraints import OfferConstraints
from mesostw.messages.fields import Body
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import (
    AgentID,
    ExecutorID,
    OfferID,
    OperationID,
    ResourceProviderID,
    TaskID,
)
from mesostw.messages.offers import Filters
from mesostw.messages.operations import OfferOperation


class Subscribe(Body, frozen=True, kw_only=True):
    """Register, or come back under ``framework_info.id``; answered by ``Subscribed``."""

    framework_info: Annotated[FrameworkInfo, 1]
    #: Roles of the framework that want no offers yet.
    suppressed_roles: Annotated[tuple[str, ...], 2] = ()
    offer_constraints: Annotated[OfferConstraints | None, 3] = None


class Teardown(Body, frozen=True, kw_only=True):
    """End the framework and all its tasks."""


class Accept(Body, frozen=True, kw_only=True):
    """Use offers of one agent; what the operations leave is free again."""

    #: All of one agent; if one is void, all operations are refused.
    offer_ids: Annotated[tuple[OfferID, ...], 1] = ()
    #: Performed in order.
    operations: Annotated[tuple[OfferOperation, ...], 2] = ()
    #: For what is left of the offers; unset is the default of 5 s.
    filters: Annotated[Filters | None, 3] = None


class Decline(Body, frozen=True, kw_only=True):
    """Give offers back, and have the like of them kept away by ``filters``."""

    offer_ids: Annotated[tuple[OfferID, ...], 1] = ()
    #: Unset is the default of 5 s.
    filters: Annotated[Filters | None, 2] = None


class AcceptInverseOffers(Body, frozen=True, kw_only=True):
    """The framework will free the resources in time."""

    inverse_offer_ids: Annotated[tuple[OfferID, ...], 1] = ()
    filters: Annotated[Filters | None, 2] = None


class DeclineInverseOffers(Body, frozen=True, kw_only=True):
    """The framework will not free the resources."""

    inverse_offer_ids: Annotated[tuple[OfferID, ...], 1] = ()
    filters: Annotated[Filters | None, 2] = None


class Revive(Body, frozen=True, kw_only=True):
    """Forget filters and suppression of ``roles``; of all roles if none is named."""

    roles: Annotated[tuple[str, ...], 1] = ()


class Suppress(Body, frozen=True, kw_only=True):
    """Make no offers for ``roles``; for no role at all if none is named."""

    roles: Annotated[tuple[str, ...], 1] = ()


class Kill(Body, frozen=True, kw_only=True):
    """End a task."""

    task_id: Annotated[TaskID, 1]
    #: Where the task was last known to be; helps a master that does not know it.
    agent_id: Annotated[AgentID | None, 2] = None
    kill_policy: Annotated[KillPolicy | None, 3] = None


class Shutdown(Body, frozen=True, kw_only=True):
    """End a custom executor and its tasks."""

    executor_id: Annotated[ExecutorID, 1]
    agent_id: Annotated[AgentID, 2]


class Acknowledge(Body, frozen=True, kw_only=True):
    """The status ``uuid`` has been dealt with; the next one may be sent."""

    agent_id: Annotated[AgentID, 1]
    task_id: Annotated[TaskID, 2]
    #: Sixteen bytes, those of the status.
    uuid: Annotated[bytes, 3]


class AcknowledgeOperationStatus(Body, frozen=True, kw_only=True):
    """The status ``uuid`` of an operation has been dealt with."""

    agent_id: Annotated[AgentID | None, 1] = None
    resource_provider_id: Annotated[ResourceProviderID | None, 2] = None
    uuid: Annotated[bytes, 3]
    operation_id: Annotated[OperationID, 4]


class Reconcile(Body, frozen=True, kw_only=True):
    """Send the latest status of ``tasks``; of all tasks if none is named."""

    tasks: Annotated[tuple[ReconcileTask, ...], 1] = ()


class ReconcileTask(Body, frozen=True, kw_only=True):
    """A task to reconcile, and where it was last known to be."""

    task_id: Annotated[TaskID, 1]
    agent_id: Annotated[AgentID | None, 2] = None


class ReconcileOperations(Body, frozen=True, kw_only=True):
    """Send the latest status of ``operations``; of all if none is named."""

    operations: Annotated[tuple[ReconcileOperation, ...], 1] = ()


class ReconcileOperation(Body, frozen=True, kw_only=True):
    """An operation to reconcile, and where it was."""

    operation_id: Annotated[OperationID, 1]
    agent_id: Annotated[AgentID | None, 2] = None
    resource_provider_id: Annotated[ResourceProviderID | None, 3] = None


class Message(Body, frozen=True, kw_only=True):
    """Bytes for an executor; may be lost."""

    agent_id: Annotated[AgentID, 1]
    executor_id: Annotated[ExecutorID, 2]
    #: Of any bytes.
    data: Annotated[bytes, 3]


class Request(Body, frozen=True, kw_only=True):
    """Ask for resources; the allocator may ignore it."""

    requests: Annotated[tuple[offers.Request, ...], 1] = ()


class UpdateFramework(Body, frozen=True, kw_only=True):
    """Change what the framework said at its subscription."""

    framework_info: Annotated[FrameworkInfo, 1]
    suppressed_roles: Annotated[tuple[str, ...], 2] = ()
    offer_constraints: Annotated[OfferConstraints | None, 3] = None
