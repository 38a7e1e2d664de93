"""
Containers that are only pretended, in virtual time, for simulations and tests.

``MemoryHost`` is what outlives an agent: the machine with its supervisor.  It speaks the
sentences of ``frames`` like the real one, and ``MemoryLauncher`` keeps the same ledger as
the real launcher; only the processes and the socket between them are missing.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from mesostw.core.agent.containers import ContainerSpec
from mesostw.interfaces import ILauncher
from mesostw.launching.frames import NOT_KNOWN
from mesostw.launching.ledger import Ledger, Sentence
from mesostw.launching.processes import Tell
from mesostw.model.ids import ContainerId

#: How long a machine needs to start a supervisor after one has died.
RESTART_S: Final = 0.05
#: The first pid that is given out.
PID_MIN: Final = 1_000


class Run(Struct, frozen=True, kw_only=True):
    """What a container is going to do."""

    #: From launch to start.
    start_s: float = 0.002
    #: From start to end; ``None`` runs until it is killed.
    run_s: float | None = 0.01
    #: The wait status at the end; see ``os.waitstatus_to_exitcode``.
    status: int = 0
    #: Whether signals other than SIGKILL are without effect.
    stubborn: bool = False
    #: A ``LaunchFault`` and a message: it does not start.
    fault: tuple[str, str] | None = None


def short_run(spec: ContainerSpec) -> Run:
    """Run for a moment and succeed, whatever the command is."""
    return Run()


class _Running:
    """A container that lives in the machine."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.pid = 0
        self.next: IDelayedCall | None = None


class MemoryHost:
    """
    A machine with a supervisor.

    :param script: says what each container does.
    """

    def __init__(
        self, clock: IReactorTime, script: Callable[[ContainerSpec], Run] = short_run
    ) -> None:
        self._clock = clock
        self._script = script
        self._live: dict[ContainerId, _Running] = {}
        self._ended: dict[ContainerId, Sentence] = {}
        self._agent: MemoryLauncher | None = None
        self._pid = PID_MIN
        #: Every container that ever started, in order: twice the same would be a bug.
        self.history: list[ContainerId] = []

    @property
    def live(self) -> list[ContainerId]:
        """The containers that wait, start or run."""
        return list(self._live)

    def attach(self, agent: MemoryLauncher) -> None:
        """Tell ``agent``, and from now on only it, all that is known."""
        self._agent = agent
        sentences: list[Sentence] = [("hello", {}), *self._ended.values()]
        sentences += [self._state(container_id) for container_id in self._live]
        agent.hear([*sentences, ("synced",)])

    def detach(self, agent: MemoryLauncher) -> None:
        """``agent`` is gone; containers live on."""
        if self._agent is agent:
            self._agent = None

    def lose_supervisor(self) -> None:
        """Have the supervisor die, with its containers; another is there a little later."""
        for running in self._live.values():
            _cancel(running)
        self._live.clear()
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.lost()

    def lose_everything(self) -> None:
        """Have the machine go down: what was not told is forgotten as well."""
        self._ended.clear()
        self.lose_supervisor()

    def launch(self, spec: ContainerSpec) -> None:
        """As the real supervisor: a known container is told again, not started again."""
        container_id = spec.container_id
        if container_id in self._live or container_id in self._ended:
            self._tell(self._state(container_id))
            return
        # It lives before anybody is asked how: the script may look at what lives here.
        running = self._live[container_id] = _Running(Run())
        running.run = self._script(spec)
        running.next = self._clock.callLater(running.run.start_s, self._start, container_id)

    def kill(self, container_id: ContainerId, number: int) -> None:
        """Signal a container; tell again what became of one that has ended."""
        running = self._live.get(container_id)
        if running is None:
            self._tell(self._state(container_id))
        elif number == signal.SIGKILL or not running.run.stubborn:
            _cancel(running)
            running.next = self._clock.callLater(0, self._end, container_id, number)

    def forget(self, containers: Sequence[ContainerId]) -> None:
        """Remove what is known of containers that have ended."""
        for container_id in containers:
            self._ended.pop(container_id, None)

    def _start(self, container_id: ContainerId) -> None:
        running = self._live[container_id]
        running.next = None
        if running.run.fault is not None:
            self._over(container_id, ("failed", container_id, *running.run.fault))
            return
        running.pid, self._pid = self._pid, self._pid + 1
        self.history.append(container_id)
        self._tell(self._state(container_id))
        if running.run.run_s is not None:
            running.next = self._clock.callLater(
                running.run.run_s, self._end, container_id, running.run.status
            )

    def _end(self, container_id: ContainerId, status: int) -> None:
        self._over(container_id, ("exited", container_id, status, f"Ended with {status}"))

    def _over(self, container_id: ContainerId, sentence: Sentence) -> None:
        del self._live[container_id]
        self._ended[container_id] = sentence
        self._tell(sentence)

    def _state(self, container_id: ContainerId) -> Sentence:
        running = self._live.get(container_id)
        if running is None:
            unknown = "exited", container_id, None, NOT_KNOWN
            return self._ended.get(container_id, unknown)
        if running.pid == 0:
            return "starting", container_id
        return "started", container_id, running.pid

    def _tell(self, sentence: Sentence) -> None:
        if self._agent is not None:
            self._agent.hear([sentence])


def _cancel(running: _Running) -> None:
    if running.next is not None and running.next.active():
        running.next.cancel()


@implementer(ILauncher)
class MemoryLauncher:
    """
    The launcher of an agent's life on a :class:`MemoryHost`.

    An agent that is killed is one whose launcher is told nothing more and whose
    ``stop`` nobody calls: call :meth:`crash`.  The next makes a new launcher.
    """

    def __init__(self, clock: IReactorTime, host: MemoryHost, tell: Tell) -> None:
        self._clock = clock
        self._host = host
        self._tell = tell
        self._ledger = Ledger()
        self._synced = False
        self._queue: list[Callable[[], None]] = []
        self._recovering: Sequence[ContainerId] | None = None
        self._crashed = False

    def start(self) -> Deferred[None]:
        """Find the supervisor; it is always there."""
        self._host.attach(self)
        return succeed(None)

    def stop(self, *, kill: bool = False) -> Deferred[None]:
        """Leave; containers live on unless ``kill``."""
        if kill:
            for container_id in self._host.live:
                self._host.kill(container_id, signal.SIGKILL)
        self.crash()
        return succeed(None)

    def crash(self) -> None:
        """Be dead: say and hear nothing from here on."""
        self._crashed = True
        self._synced = False
        self._host.detach(self)

    def launch(self, spec: ContainerSpec) -> None:
        if self._ledger.launched(spec.container_id, waits=not self._synced):
            self._say(lambda: self._host.launch(spec))

    def kill(self, container_id: ContainerId, number: int) -> None:
        if self._ledger.killed(container_id, waits=not self._synced):
            self._say(lambda: self._host.kill(container_id, number))

    def forget(self, containers: Sequence[ContainerId]) -> None:
        self._ledger.forgotten(containers)
        self._say(lambda: self._host.forget(containers))

    def recover(self, containers: Sequence[ContainerId]) -> None:
        self._recovering = tuple(containers)
        if self._synced:
            self._recover()

    def hear(self, sentences: Sequence[Sentence]) -> None:
        """What the host says."""
        told = []
        for sentence in sentences:
            match sentence[0]:
                case "hello":
                    self._ledger.greeted()
                case "synced":
                    self._synced = True
                    told += self._ledger.synced()
                    self._recover()
                    queue, self._queue = self._queue, []
                    for say in queue:
                        say()
                case _:
                    told += self._ledger.heard(sentence)
        self._host.forget(self._ledger.take_useless())
        if told:
            self._tell(told)

    def lost(self) -> None:
        """The host's supervisor has died."""
        self._synced = False
        self._clock.callLater(RESTART_S, self._attach_again)

    def _attach_again(self) -> None:
        if not self._crashed:
            self._host.attach(self)

    def _recover(self) -> None:
        if self._recovering is None:
            return
        told, unwanted = self._ledger.recovered(self._recovering)
        self._recovering = None
        for container_id in unwanted:
            self._host.kill(container_id, signal.SIGKILL)
        self._host.forget(self._ledger.take_useless())
        if told:
            self._tell(told)

    def _say(self, say: Callable[[], None]) -> None:
        if self._synced:
            say()
        elif not self._crashed:
            self._queue.append(say)
