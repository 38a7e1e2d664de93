"""
Write a framework: subclass :class:`Scheduler`, give it to :class:`SchedulerClient`.

::

    class Hello(Scheduler):
        async def offers(self, offers):
            for offer in offers:
                self.driver.accept([offer.id], [launch(...)])

        async def updated(self, status):
            print(status.task_id.value, status.state)

    task.react(lambda reactor: run(reactor, Hello(), "127.0.0.1:5050", FrameworkInfo(...)))

The client finds the master, subscribes, comes back after every broken link
under the same framework id, and reconciles.  Callbacks are awaited one at a
time in the order of arrival.  A status is acknowledged after ``updated`` has
returned, so a scheduler that keeps state keeps it there; one whose callback
raises is stopped with that failure, and the status will come again.  A scheduler that
keeps many states at once asks for ``explicit_acknowledgements`` and calls
``driver.acknowledge`` itself.

Note [What a broken link loses]: a call made while the link breaks may or may
not have reached the master.  Launches that did not are answered to the
reconciliation that follows; kills are remembered here and said again until
the task has ended; everything else is offered again by the master.  After an
``await`` in a callback the link may be another one than its event came by: what was
offered may be void then, and a launch on it is answered with a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.client.calls import Calls
from mesostw.client.conversation import Disconnected
from mesostw.interfaces import IClock, IDialer, IExchange
from mesostw.messages import scheduler_calls as calls
from mesostw.messages import scheduler_events as events
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Offer
from mesostw.messages.tasks import TaskStatus

#: Heartbeats of a master that may be missed before its link is given up (it sends one each 15 s).
HEARTBEATS_MISSED_MAX: Final = 5


class Scheduler:
    """What a framework does; override what you need. ``driver`` is set before any callback."""

    driver: SchedulerClient

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        """The master knows us; called again after every reconnection."""

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Resources to use: accept or decline each, or they time out."""
        self.driver.decline([offer.id for offer in offers])

    async def rescinded(self, offer_id: str) -> None:
        """An offer is void."""

    async def updated(self, status: TaskStatus) -> None:
        """A task moved, or the master repeats itself; acknowledged when this returns."""

    async def message(self, agent_id: str, executor_id: str, content: bytes) -> None:
        """An executor says something."""

    async def failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None:
        """An agent is lost, or an executor has ended with wait status ``status``."""

    async def disconnected(self) -> None:
        """The link to the master broke; the client is already dialling again."""

    async def error(self, message: str) -> None:
        """The master will not have this framework; the client stops after this."""


class FrameworkRefused(Exception):
    """The master ended the subscription for good; the text says why."""


class SchedulerClient(Calls):
    """One framework's conversation with whichever master leads."""

    _log = Logger()

    def __init__(
        self,
        clock: IClock,
        exchange: IExchange,
        dialer: IDialer,
        scheduler: Scheduler,
        framework: FrameworkInfo,
        suppressed_roles: Sequence[str] = (),
        *,
        explicit_acknowledgements: bool = False,
    ) -> None:
        super().__init__(exchange, dialer)
        self._explicit = explicit_acknowledgements
        self._clock = clock
        self._scheduler, self.framework = scheduler, framework
        self._suppressed = tuple(suppressed_roles)
        self._silence: IDelayedCall | None = None
        self._silence_s = HEARTBEATS_MISSED_MAX * 15.0
        scheduler.driver = self

    # --- life ----------------------------------------------------------------

    def start(self, master: str) -> Deferred[None]:
        """
        Dial ``master`` (``host:port``).

        The answer fires when :meth:`stop` is called, and fails when a callback raised or
        the master refused the framework.
        """
        return self._dial(master)

    def stop(self, *, teardown: bool = False) -> None:
        """End the conversation; ``teardown`` has the master end all tasks and forget us."""
        if teardown:
            self._say(calls.Teardown())
        self._end(None)

    def update(self, framework: FrameworkInfo, suppressed_roles: Sequence[str] = ()) -> None:
        """Say something else of ourselves, now and at each later subscription."""
        self.framework = replace(framework, id=self.framework.id)
        self._suppressed = tuple(suppressed_roles)
        self._say(
            calls.UpdateFramework(framework_info=self.framework, suppressed_roles=self._suppressed)
        )

    def _finished(self) -> None:
        self._watch(None)

    # --- what the master says ---------------------------------------------------

    def _greeting(self) -> Struct:
        return calls.Subscribe(framework_info=self.framework, suppressed_roles=self._suppressed)

    def _link_opened(self) -> None:
        self._watch(self._silence_s)

    def _link_closed(self) -> None:
        self._watch(None)

    def _heard(self, message: Struct) -> None:
        self._watch(self._silence_s)
        match message:
            case events.Heartbeat():
                pass
            case events.Subscribed(framework_id=framework_id, heartbeat_interval_seconds=beat):
                again = self.framework.id is not None
                self.framework = replace(self.framework, id=framework_id)
                self._subscribed = True
                self._silence_s = HEARTBEATS_MISSED_MAX * (beat or 15.0)
                self._deliver(message)
                if again:
                    self.reconcile()
                    for kill in self._kills.values():
                        self._say(kill)
            case _:
                self._deliver(message)

    def _watch(self, silence_s: float | None) -> None:
        """Give the link up after ``silence_s`` without a word."""
        if self._silence is not None and self._silence.active():
            if silence_s is not None:
                self._silence.reset(silence_s)
                return
            self._silence.cancel()
        self._silence = (
            None if silence_s is None else self._clock.callLater(silence_s, self._silent)
        )

    def _silent(self) -> None:
        if self._link is not None:
            self._log.warn("{name}: the master is silent", name=self.framework.name)
            self._exchange.close(self._link, "no heartbeat")

    async def _tell_user(self, event: Struct) -> None:
        scheduler = self._scheduler
        match event:
            case events.Update(status=status):
                await scheduler.updated(status)
                if not self._explicit:
                    self.acknowledge(status)
            case events.Offers(offers=offers):
                await scheduler.offers(offers)
            case events.Rescind(offer_id=offer_id):
                await scheduler.rescinded(offer_id.value)
            case events.Subscribed(framework_id=framework_id, master_info=master):
                await scheduler.subscribed(framework_id.value, master)
            case events.Message(agent_id=agent, executor_id=executor, data=content):
                await scheduler.message(agent.value, executor.value, content)
            case events.Failure(agent_id=lost, executor_id=ended, status=exit_status):
                await scheduler.failed(_value(lost), _value(ended), exit_status)
            case Disconnected():
                await scheduler.disconnected()
            case events.Error(message=message):
                await scheduler.error(message)
                self._end(Failure(FrameworkRefused(message)))
            case _:
                self._log.debug("{event} is not for a scheduler", event=type(event).__name__)


def _value(named: AgentID | ExecutorID | FrameworkID | None) -> str | None:
    return None if named is None else named.value
