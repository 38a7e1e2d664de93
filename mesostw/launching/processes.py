"""
The launcher of real processes: what a supervisor does, told as stimuli.

Note [Who is lost]: a supervisor kills its containers by dying, but it may have kept
exits that it had not told yet.  So when the socket ends, nothing is said at once: the
next supervisor (a new one, or the same if only the socket ended) tells all that it
knows, and then each container that it should know and does not is told as exited with
an unknown status, once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReactorTime, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.agent.containers import ContainerFailed, ContainerSpec, LaunchFault
from mesostw.interfaces import ILauncher
from mesostw.launching.frames import VERSION, frame, framed
from mesostw.launching.ledger import Ledger, Told
from mesostw.launching.link import SupervisorLink
from mesostw.launching.starting import Burial, Home, SupervisorUnavailable, start_supervisor
from mesostw.model.ids import ContainerId
from mesostw.unattended import unattended

#: How long a supervisor may take from the connection to its last word of what it knows.
HELLO_TIMEOUT_S: Final = 10.0
#: Wait before the next attempt when none succeeded; doubled each time up to the second.
RETRY_S: Final = 0.05
RETRY_MAX_S: Final = 5.0
#: Attempts after which :meth:`SupervisedLauncher.start` gives up.
START_TRIES: Final = 5
#: How long a supervisor may take to answer that it stops; then it is left alone.
STOP_TIMEOUT_S: Final = 5.0


class IReactor(IReactorTime, IReactorUNIX, IReactorFDSet):
    """What of a reactor is needed here."""


class Tell(Protocol):
    """Where a launcher tells what happens to containers."""

    def __call__(self, stimuli: Sequence[Told], /) -> None: ...


@implementer(ILauncher)
class SupervisedLauncher:
    """
    Containers as processes of a supervisor that outlives this agent.

    :param directory: shared with the supervisor, of this agent alone; made if missing.
    :param tell: called with all that one read of the socket has brought.
    """

    _log = Logger()

    def __init__(self, reactor: IReactor, directory: str, tell: Tell) -> None:
        self._reactor = reactor
        self._home = Home(directory)
        self._ledger = Ledger()
        self._tell = tell
        self._link: SupervisorLink | None = None
        #: Whether the supervisor of this connection has told all that it knew.
        self._synced = False
        #: Frames that wait until then.
        self._queue: list[bytes] = []
        self._recovering: Sequence[ContainerId] | None = None
        self._timer: IDelayedCall | None = None
        self._burial: Burial | None = None
        self._starting: Deferred[None] | None = None
        self._stopping: Deferred[None] | None = None
        self._stopped = True
        self._pid: int | None = None
        #: Whether the supervisor has said that it ends.
        self._ended = False

    # --- life ---------------------------------------------------------------

    def start(self) -> Deferred[None]:
        """
        Find the supervisor or start one; fires when it can be spoken to.  For once only.

        Fails with :class:`SupervisorUnavailable`.  What is asked for before it fires waits.
        """
        self._stopped, self._failures = False, 0
        starting: Deferred[None] = Deferred()
        self._starting = starting
        self._connect()
        return starting

    def stop(self, *, kill: bool = False) -> Deferred[None]:
        """
        Leave; fires when this process has nothing more to do with the supervisor.

        The supervisor ends as well if no container lives, or if ``kill``, which
        ends all containers first.
        """
        if self._stopped or self._stopping is not None:
            return succeed(None)
        stopping: Deferred[None] = Deferred()
        self._stopping = stopping
        if self._link is not None and self._synced:
            self._say(frame("stop", {"kill": kill}))
            self._after(STOP_TIMEOUT_S, self._leave)
        else:
            self._leave()
        return stopping

    def abandon(self) -> None:
        """Be gone without a word, as if this process had been killed."""
        self._stopped = True
        self._cancel()
        if self._link is not None:
            self._link.abort()
        else:
            self._finish()

    @property
    def supervisor_pid(self) -> int | None:
        """The process that runs the containers; ``None`` while there is none."""
        return self._pid

    # --- ILauncher ----------------------------------------------------------

    def launch(self, spec: ContainerSpec) -> None:
        try:
            sentence = framed(msgspec.json.encode(("launch", spec)))
        except (ValueError, TypeError) as fault:
            message = f"the container cannot be described: {fault}"
            self._tell([ContainerFailed(spec.container_id, LaunchFault.INVALID, message)])
            return
        if self._ledger.launched(spec.container_id, waits=not self._synced):
            self._say(sentence)

    def kill(self, container_id: ContainerId, number: int) -> None:
        if self._ledger.killed(container_id, waits=not self._synced):
            self._say(frame("kill", container_id, number))

    def forget(self, containers: Sequence[ContainerId]) -> None:
        self._ledger.forgotten(containers)
        self._say(frame("forget", list(containers)))

    def recover(self, containers: Sequence[ContainerId]) -> None:
        self._recovering = tuple(containers)
        if self._synced:
            self._recover()

    def _recover(self) -> None:
        if self._recovering is None:
            return
        told, unwanted = self._ledger.recovered(self._recovering)
        self._recovering = None
        for container_id in unwanted:
            self._say(frame("kill", container_id, signal.SIGKILL))
        self._forget_useless()
        if told:
            self._tell(told)

    def _forget_useless(self) -> None:
        useless = self._ledger.take_useless()
        if useless:
            self._say(frame("forget", useless))

    def _say(self, sentence: bytes) -> None:
        if self._link is not None and self._synced:
            self._link.write(sentence)
        else:
            self._queue.append(sentence)

    # --- the supervisor -----------------------------------------------------

    def _connect(self) -> None:
        self._timer = None
        unattended(self._attempt(), self._failed)

    async def _attempt(self) -> None:
        pid = start_supervisor(self._home)
        if pid is not None:
            self._log.info("started a supervisor: {pid}", pid=pid)
            if self._burial is not None:
                self._burial.abandon()
            self._burial = Burial(self._reactor, pid, self._buried)
        endpoint = UNIXClientEndpoint(self._reactor, self._home.socket)
        self._link = await endpoint.connect(
            Factory.forProtocol(lambda: SupervisorLink(self._heard, self._lost))
        )
        self._after(HELLO_TIMEOUT_S, self._link.abort)
        if self._stopped:
            self._leave()

    def _failed(self, failure: Failure) -> None:
        """No supervisor could be reached: try again, later each time."""
        self._failures += 1
        reason, words = failure.getErrorMessage(), self._home.last_words()
        missing = failure.check(SupervisorUnavailable) is not None
        if self._starting is not None and (missing or self._failures >= START_TRIES):
            starting, self._starting = self._starting, None
            self._stopped = True
            reason = f"no supervisor comes up: {reason} {words}".strip()
            starting.errback(failure if missing else SupervisorUnavailable(reason))
            return
        self._log.error("no supervisor: {reason}; {words}", reason=reason, words=words)
        if not self._stopped:
            self._after(min(RETRY_MAX_S, RETRY_S * 2 ** (self._failures - 1)), self._connect)

    def _lost(self, reason: Failure) -> None:
        synced, self._link, self._synced = self._synced, None, False
        self._pid = None
        if self._stopping is not None or self._stopped:
            self._leave()
        elif synced:
            self._log.warn("lost the supervisor: {reason}", reason=reason.getErrorMessage())
            self._failures = 0
            self._after(0, self._connect)
        else:
            self._failed(reason)

    def _heard(self, sentences: Sequence[list[object]]) -> None:
        told: list[Told] = []
        for sentence in sentences:
            match sentence:
                case ["hello", dict() as hello]:
                    self._greeted(hello)
                case ["synced"]:
                    self._sync(told)
                case ["stopping"]:
                    self._ended = True
                case ["replaced"]:
                    self._log.error(
                        "another agent has taken over {home}", home=self._home.directory
                    )
                    self._leave()
                case ["busy", int() as count]:
                    self._log.info("{count} containers live on without us", count=count)
                    self._leave()
                case _:
                    told += self._ledger.heard(sentence)
        if told:
            self._tell(told)
        self._forget_useless()

    def _greeted(self, hello: dict[str, object]) -> None:
        self._ledger.greeted()
        pid = hello.get("pid")
        self._pid = pid if isinstance(pid, int) else None
        if hello.get("version") != VERSION:
            self._log.info(
                "the supervisor speaks version {version}, we {ours}",
                version=hello.get("version"),
                ours=VERSION,
            )

    def _sync(self, told: list[Told]) -> None:
        """The supervisor has told all: who is missing is lost, and what waited is said."""
        self._cancel()
        self._failures = 0
        self._synced = True
        told += self._ledger.synced()
        queue, self._queue = self._queue, []
        self._recover()
        if queue:
            self._say(b"".join(queue))
        if self._starting is not None:
            starting, self._starting = self._starting, None
            starting.callback(None)

    # --- the end ------------------------------------------------------------

    def _leave(self) -> None:
        """Let go of the supervisor, whatever state it is in."""
        self._cancel()
        self._stopped = True
        if self._link is not None:
            self._link.leave()
        elif self._stopping is not None:
            self._finish()

    def _finish(self) -> None:
        """After the socket: a supervisor that is ending is waited for, a busy one is not."""
        if self._ended and self._burial is not None:
            return  # until it is buried
        stopping, self._stopping = self._stopping, None
        if self._burial is not None:
            self._burial.abandon()
            self._burial = None
        self._home.close()
        if stopping is not None:
            stopping.callback(None)

    def _buried(self) -> None:
        self._burial = None
        if self._stopping is not None and self._link is None:
            self._finish()

    def _after(self, delay_s: float, call: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._reactor.callLater(delay_s, call)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
