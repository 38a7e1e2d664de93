"""
Write an executor: subclass :class:`Executor`, give it to :func:`run`.

::

    class Mine(Executor):
        async def launched(self, task):
            self.driver.update(task.task_id, TaskState.TASK_RUNNING)
            await do(task)
            self.driver.update(task.task_id, TaskState.TASK_FINISHED)

    task.react(lambda reactor: run(reactor, Mine()))

The agent starts the program with ``MESOS_AGENT_ENDPOINT``, ``MESOS_FRAMEWORK_ID`` and
``MESOS_EXECUTOR_ID``; the client dials it, subscribes, and comes back after every broken
link, also over a restart of the agent.  Each update is remembered until the agent has
kept it, and is told again to an agent that comes back: nothing is lost, and the agent
drops what it has already.

``launched`` of each task runs on its own: a long one keeps no other from being launched
or killed.  All other callbacks are awaited one at a time in the order of arrival.  A
callback that raises fails its task, or stops an executor whose other callback it is.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.bus.dial import Dialer
from mesostw.bus.exchange import Exchange
from mesostw.client.conversation import Conversation, Disconnected
from mesostw.interfaces import IClock, IDialer, IExchange
from mesostw.messages import executor_calls as calls
from mesostw.messages import executor_events as events
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import TaskID
from mesostw.messages.tasks import TaskInfo, TaskState, TaskStatus, TaskStatusSource
from mesostw.model import units
from mesostw.model.tasks import TERMINAL
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.unattended import unattended

#: Between two words of an idle executor to its agent; as in Mesos.
HEARTBEAT_S: Final = 30.0 * 60
#: How long an executor waits for its agent if ``MESOS_RECOVERY_TIMEOUT`` does not say; as in Mesos.
RECOVERY_TIMEOUT_S: Final = 15.0 * 60


class Executor:
    """What an executor does; override what you need. ``driver`` is set before any callback."""

    driver: ExecutorClient

    async def registered(self, subscribed: events.Subscribed) -> None:
        """The agent knows us; called again after every reconnection."""

    async def launched(self, task: TaskInfo) -> None:
        """Run ``task``, and report its states by ``driver.update``."""

    async def killed(self, task_id: str, policy: KillPolicy | None) -> None:
        """End a task, and report that it has ended."""

    async def message(self, content: bytes) -> None:
        """The scheduler says something."""

    async def shutdown(self) -> None:
        """End all tasks; the client stops when this returns and its updates are kept."""

    async def disconnected(self) -> None:
        """The link to the agent broke; the client is already dialling again."""


class ExecutorRefused(Exception):
    """The agent will not have this executor; the text says why."""


class ExecutorClient(Conversation):
    """
    One executor's conversation with its agent.

    :param nonce: 8 bytes that no other executor has; uuids of updates are made from them.
    :param recovery_timeout_s: how long to wait for an agent that does not come back.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IClock,
        exchange: IExchange,
        dialer: IDialer,
        executor: Executor,
        nonce: bytes,
        recovery_timeout_s: float = RECOVERY_TIMEOUT_S,
    ) -> None:
        super().__init__(exchange, dialer)
        self._clock = clock
        self._executor, self._nonce = executor, nonce
        self._recovery_timeout_s = recovery_timeout_s
        self._numbered = 0
        #: What the agent has not acknowledged, in the order in which it was made.
        self._tasks: dict[str, TaskInfo] = {}
        self._updates: dict[bytes, calls.Update] = {}
        self._ended_tasks: set[str] = set()
        self._stopping = False
        self._timer: IDelayedCall | None = None
        executor.driver = self

    # --- what an executor calls ----------------------------------------------

    def start(self, agent: str) -> Deferred[None]:
        """
        Dial ``agent`` (``host:port``).

        The answer fires when the executor has been shut down, and fails when the agent
        refused it or did not come back.
        """
        ended = self._dial(agent)
        self._wait(self._recovery_timeout_s, self._given_up)
        return ended

    def update(
        self,
        task_id: TaskID | str,
        state: TaskState,
        *,
        message: str | None = None,
        data: bytes | None = None,
        healthy: bool | None = None,
    ) -> bytes:
        """Report a task's state until the agent has kept it; the uuid of the report."""
        named = TaskID(value=task_id) if isinstance(task_id, str) else task_id
        self._numbered += 1
        uuid = self._nonce + self._numbered.to_bytes(8, "big")
        status = TaskStatus(
            task_id=named,
            state=state,
            message=message,
            data=data,
            healthy=healthy,
            source=TaskStatusSource.SOURCE_EXECUTOR,
            timestamp=self._clock.wall(),
            uuid=uuid,
        )
        if state in TERMINAL:
            self._ended_tasks.add(named.value)
        self._updates[uuid] = calls.Update(status=status)
        self._say(self._updates[uuid])
        return uuid

    def send(self, content: bytes) -> None:
        """Say something to the scheduler; it may be lost."""
        self._say(calls.Message(data=content))

    def stop(self) -> None:
        """End the conversation as soon as the agent has kept all updates."""
        self._stopping = True
        self._stop_if_kept()

    @property
    def unacknowledged(self) -> int:
        """Updates that the agent has not yet kept."""
        return len(self._updates)

    # --- what the agent says -----------------------------------------------------

    def _greeting(self) -> Struct:
        return calls.Subscribe(
            unacknowledged_tasks=tuple(self._tasks.values()),
            unacknowledged_updates=tuple(self._updates.values()),
        )

    def _link_closed(self) -> None:
        if self._subscribed:
            self._wait(self._recovery_timeout_s, self._given_up)

    def _heard(self, message: Struct) -> None:
        match message:
            case events.Subscribed():
                self._subscribed = True
                self._wait(HEARTBEAT_S, self._heartbeat)
                self._deliver(message)
            case events.Acknowledged(task_id=task_id, uuid=uuid):
                self._updates.pop(uuid, None)
                self._tasks.pop(task_id.value, None)
                self._stop_if_kept()
            case events.Heartbeat():
                pass
            case events.Error(message=reason):
                self._end(Failure(ExecutorRefused(reason)))
            case events.Launch(task=task):
                self._tasks[task.task_id.value] = task
                self._deliver(message)
            case events.LaunchGroup(task_group=group):
                self._tasks.update((task.task_id.value, task) for task in group.tasks)
                self._deliver(message)
            case _:
                self._deliver(message)

    # --- time -----------------------------------------------------------------

    def _wait(self, delay_s: float, then: Callable[[], None]) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(delay_s, then)

    def _heartbeat(self) -> None:
        self._say(calls.Heartbeat())
        self._wait(HEARTBEAT_S, self._heartbeat)

    def _given_up(self) -> None:
        self._end(Failure(ExecutorRefused("the agent did not come back")))

    # --- callbacks ------------------------------------------------------------

    async def _tell_user(self, event: Struct) -> None:
        executor = self._executor
        match event:
            case events.Launch(task=task):
                self._launch(task)
            case events.LaunchGroup(task_group=group):
                for task in group.tasks:
                    self._launch(task)
            case events.Kill(task_id=task_id, kill_policy=policy):
                await executor.killed(task_id.value, policy)
            case events.Message(data=content):
                await executor.message(content)
            case events.Subscribed():
                await executor.registered(event)
            case Disconnected():
                await executor.disconnected()
            case events.Shutdown():
                await executor.shutdown()
                self.stop()
            case _:
                self._log.debug("{event} is not for an executor", event=type(event).__name__)

    def _launch(self, task: TaskInfo) -> None:
        task_id = task.task_id.value
        self._ended_tasks.discard(task_id)

        def failed(failure: Failure) -> None:
            self._log.failure("task {task_id} failed", failure, task_id=task_id)
            if task_id not in self._ended_tasks:
                reason = failure.getErrorMessage()
                self.update(task_id, TaskState.TASK_FAILED, message=reason)

        unattended(_awaited(self._executor.launched(task)), failed)

    # --- the end --------------------------------------------------------------

    def _stop_if_kept(self) -> None:
        if self._stopping and not self._updates:
            self._end(None)

    def _finished(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


async def _awaited(work: Awaitable[None]) -> None:
    await work


def run(
    reactor: Any, executor: Executor, environment: Mapping[str, str] = os.environ
) -> Deferred[None]:
    """
    Be the executor that the environment names, until the agent shuts it down.

    :raises KeyError: the program was not started by an agent.
    """
    if not reactor.getDelayedCalls():
        install_steady_time(reactor)
    clock = ReactorClock(reactor)
    exchange = Exchange(clock, "executor", forwards=False)
    exchange.id = f"{environment['MESOS_FRAMEWORK_ID']}/{environment['MESOS_EXECUTOR_ID']}"
    nonce = os.urandom(8)
    timeout = environment.get("MESOS_RECOVERY_TIMEOUT")
    client = ExecutorClient(
        clock,
        exchange,
        Dialer(reactor, exchange, Random(int.from_bytes(nonce, "big"))),
        executor,
        nonce,
        RECOVERY_TIMEOUT_S if timeout is None else units.duration(timeout),
    )
    return client.start(environment["MESOS_AGENT_ENDPOINT"])
