"""What the master says to a scheduler, one struct an event."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int32, Uint32
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, OfferID
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import InverseOffer, Offer
from mesostw.messages.operations import OperationStatus
from mesostw.messages.tasks import TaskStatus
from mesostw.model.enums import WireEnum


class Subscribed(Body, frozen=True, kw_only=True):
    """The framework is registered under ``framework_id``."""

    framework_id: Annotated[FrameworkID, 1]
    #: After some of these without a word the master is gone.
    heartbeat_interval_seconds: Annotated[float | None, 2] = None
    master_info: Annotated[MasterInfo | None, 3] = None


class Offers(Body, frozen=True, kw_only=True):
    """New offers."""

    offers: Annotated[tuple[Offer, ...], 1] = ()


class InverseOffers(Body, frozen=True, kw_only=True):
    """New requests to free resources."""

    inverse_offers: Annotated[tuple[InverseOffer, ...], 1] = ()


class Rescind(Body, frozen=True, kw_only=True):
    """The offer is void."""

    offer_id: Annotated[OfferID, 1]


class RescindInverseOffer(Body, frozen=True, kw_only=True):
    """The request to free resources is void."""

    inverse_offer_id: Annotated[OfferID, 1]


class Update(Body, frozen=True, kw_only=True):
    """A report about a task."""

    status: Annotated[TaskStatus, 1]


class UpdateOperationStatus(Body, frozen=True, kw_only=True):
    """A report about an operation."""

    status: Annotated[OperationStatus, 1]


class Message(Body, frozen=True, kw_only=True):
    """Bytes from an executor."""

    agent_id: Annotated[AgentID, 1]
    executor_id: Annotated[ExecutorID, 2]
    #: Of any bytes.
    data: Annotated[bytes, 3]


class Failure(Body, frozen=True, kw_only=True):
    """An executor has ended, or, if none is named, an agent was removed."""

    agent_id: Annotated[AgentID | None, 1] = None
    executor_id: Annotated[ExecutorID | None, 2] = None
    #: The executor's wait status, as ``os.waitpid`` has it.
    status: Annotated[Int32 | None, 3] = None


class Error(Body, frozen=True, kw_only=True):
    """The framework is refused; nothing more comes."""

    message: Annotated[str, 1]


class Heartbeat(Body, frozen=True, kw_only=True):
    """The link is alive."""


class ResponseType(WireEnum):
    """What was asked."""

    UNKNOWN = "UNKNOWN", 0
    RECONCILE_OPERATIONS = "RECONCILE_OPERATIONS", 1


class Response(Body, frozen=True, kw_only=True):
    """The answer to a call that has one."""

    type: Annotated[ResponseType | None, 1] = None
    reconcile_operations: Annotated[ReconcileOperationsResponse | None, 2] = None


class ReconcileOperationsResponse(Body, frozen=True, kw_only=True):
    """The latest statuses of operations."""

    operation_statuses: Annotated[tuple[OperationStatus, ...], 1] = ()


class APIResult(Body, frozen=True, kw_only=True):
    """How a call fared, for the drivers of other languages."""

    status_code: Annotated[Uint32, 1]
    response: Annotated[Response | None, 2] = None
    error: Annotated[str | None, 3] = None
