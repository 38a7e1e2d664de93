"""
A master in memory for the tests of a scheduler: no network, no waiting.

::

    master = MemoryMaster()
    client = master.client(MyScheduler(), FrameworkInfo(user="me", name="mine"))
    offer = master.offer("cpus:4;mem:1024")
    [launch] = master.calls_of(Accept)
    master.update("task-1", TaskState.TASK_RUNNING)

It stands where the exchange and the dialer stand, so the whole real client runs.  It
decides nothing: it makes what a test asks for, and keeps what the scheduler called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mesostw.client.scheduler import Scheduler, SchedulerClient
from mesostw.core.outcome import Heard, LinkClosed, LinkOpened, Route, Unroute
from mesostw.interfaces import IDialer, IExchange, IInbox, ILink, Peer
from mesostw.messages import (
    AgentID,
    FrameworkID,
    FrameworkInfo,
    Offer,
    OfferID,
    TaskID,
    TaskStatus,
)
from mesostw.messages import scheduler_events as events
from mesostw.messages.convert import messages_of
from mesostw.messages.resources import AllocationInfo
from mesostw.messages.scheduler_calls import Subscribe
from mesostw.model.ids import LinkId
from mesostw.model.resources import Resources
from mesostw.model.tasks import TaskState
from mesostw.testing.clock import HeapClock

CallT = TypeVar("CallT", bound=Struct)


@implementer(IExchange, IDialer)
class MemoryMaster:
    """What a scheduler's client believes to be the exchange, the dialer and the master."""

    def __init__(self, framework_id: str = "framework-1") -> None:
        self.clock = HeapClock()
        self.inbox: IInbox | None = None
        self.calls: list[Struct] = []
        #: Fires, or fails, when the client has stopped.
        self.finished: Deferred[None] | None = None
        #: The answer to the next subscription; ``None`` lets it wait.
        self.answering = True
        self._framework_id = FrameworkID(value=framework_id)
        self._links = 0
        self._link: LinkId | None = None
        self._dialled = False
        self._offers = 0
        self._uuids = 0

    def client(
        self,
        scheduler: Scheduler,
        framework: FrameworkInfo,
        *,
        explicit_acknowledgements: bool = False,
    ) -> SchedulerClient:
        """A started client, subscribed unless :attr:`answering` was unset."""
        client = SchedulerClient(
            self.clock,
            self,
            self,
            scheduler,
            framework,
            explicit_acknowledgements=explicit_acknowledgements,
        )
        self.finished = client.start("memory")
        return client

    # --- what a test has happen -------------------------------------------------

    def say(self, event: Struct) -> None:
        """Tell the client any event."""
        assert self._link is not None, "the link is broken"
        self._tell(Heard(self._link, event))

    def offer(self, resources: str, agent_id: str = "agent-1", role: str = "*") -> Offer:
        """Offer ``resources`` (text form) of an agent."""
        self._offers += 1
        offer = Offer(
            id=OfferID(value=f"offer-{self._offers}"),
            framework_id=self._framework_id,
            agent_id=AgentID(value=agent_id),
            hostname=f"{agent_id}.test",
            allocation_info=AllocationInfo(role=role),
            resources=messages_of(Resources.parse(resources), role),
        )
        self.say(events.Offers(offers=(offer,)))
        return offer

    def update(
        self, task_id: str, state: TaskState, message: str = "", agent_id: str = "agent-1"
    ) -> bytes:
        """Tell a task's state; returns the uuid that its acknowledgement will have."""
        self._uuids += 1
        uuid = self._uuids.to_bytes(16, "big")
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            message=message or None,
            agent_id=AgentID(value=agent_id),
            uuid=uuid,
            timestamp=self.clock.wall(),
        )
        self.say(events.Update(status=status))
        return uuid

    def break_link(self) -> None:
        """The master or the way to it is gone; :meth:`come_back` mends it."""
        link, self._link = self._link, None
        if link is not None:
            self._tell(LinkClosed(link, "broken by the test"))

    def come_back(self) -> None:
        """The dialer gets through again."""
        if self._dialled and self._link is None:
            self._links += 1
            self._link = LinkId(self._links)
            self._tell(LinkOpened(self._link, "master", "m1", "", "memory"))

    def be_followed(self) -> None:
        """Another master leads, and the end of the link to the last one comes late."""
        self._link = None
        self.come_back()

    def calls_of(self, kind: type[CallT]) -> list[CallT]:
        """The calls of one kind so far, oldest first."""
        return [call for call in self.calls if isinstance(call, kind)]

    def subscribed(self) -> None:
        """Answer a subscription."""
        self.say(
            events.Subscribed(framework_id=self._framework_id, heartbeat_interval_seconds=15.0)
        )

    def _tell(self, stimulus: object) -> None:
        assert self.inbox is not None
        self.inbox.tell([stimulus])

    # --- the ports that the client uses ---------------------------------------------

    def dial(self, address: str) -> Callable[[], None]:
        """Get through at once."""
        self._dialled = True
        self.come_back()
        return self._hung_up

    def _hung_up(self) -> None:
        self._dialled = False

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        """Keep what the client calls; answer a subscription."""
        if link != self._link:
            return
        self.calls.extend(messages)
        if self.answering and any(isinstance(message, Subscribe) for message in messages):
            self.subscribed()

    def close(self, link: LinkId, reason: str) -> None:
        """The client ends the link, and is dialled for again."""
        if link == self._link:
            self._link = None
            self._tell(LinkClosed(link, reason))
            self.come_back()

    def admit(self, link: ILink, peer: Peer) -> LinkId:
        """Nobody comes to a scheduler."""
        raise AssertionError(f"{peer} came to a scheduler")

    def heard(self, link: LinkId, messages: Sequence[Struct]) -> None:
        """Tell messages as if a link had."""
        for message in messages:
            self._tell(Heard(link, message))

    def ended(self, link: LinkId, reason: str) -> None:
        """The same as :meth:`break_link`, by number."""
        if link == self._link:
            self.break_link()

    def crowded(self, link: LinkId) -> None:
        """A link in memory is never crowded."""

    def eased(self, link: LinkId) -> None:
        """A link in memory is never crowded."""

    def route(self, route: Route) -> None:
        """A scheduler forwards nothing."""

    def unroute(self, route: Unroute) -> None:
        """A scheduler forwards nothing."""
