"""One stimulus being decided on, and what the core knows only while it lives."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from mesostw.core.agent.changes import AgentChange, Counted, ExecutorKey, TaskKey
from mesostw.core.agent.containers import ContainerExited, ContainerFailed
from mesostw.core.agent.flags import PING_TIMEOUT_S, AgentFlags
from mesostw.core.agent.state import AgentState
from mesostw.core.agent.watches import Watch
from mesostw.core.agent.words import AgentEffect
from mesostw.core.outcome import Moment, Outcome, Send
from mesostw.core.probes import ProbeKey
from mesostw.model.ids import ContainerId, LinkId


class Names:
    """
    Names that nobody else gives: a nonce of this life, then a counter.

    The nonce comes from outside, so that the same lives give the same names.
    """

    def __init__(self, nonce: bytes) -> None:
        if len(nonce) != 8:
            raise ValueError(f"the nonce of a life is 8 bytes, not {len(nonce)}")
        self._nonce = nonce
        self._last = 0

    def uuid(self) -> bytes:
        """16 bytes, as a status carries them."""
        self._last += 1
        return self._nonce + self._last.to_bytes(8, "big")

    def container_id(self) -> ContainerId:
        """The text form of a UUID, as paths carry it."""
        text = self.uuid().hex()
        return ContainerId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


class Outstanding(Struct):
    """A status that was said and not yet acknowledged."""

    due: float
    interval_s: float


class Live:
    """
    What the core forgets when it stops: links, back-offs and deadlines.

    No reader sees it and no store keeps it; what must outlast a life is in the state.
    """

    def __init__(self) -> None:
        #: The link to the master, once it is open.
        self.master: LinkId | None = None
        self.master_address = ""
        #: Whether the master at that link has admitted us.
        self.registered = False
        #: Whether we have begun to register at that link; stays true once admitted.
        self.trying = False
        self.backoff_s = 0.0
        self.ping_timeout_s = PING_TIMEOUT_S
        #: Executors' links both ways; a link is in the first as soon as it is open.
        self.executor_of: dict[LinkId, ExecutorKey] = {}
        self.link_of: dict[ExecutorKey, LinkId] = {}
        #: Executors' links that are HTTP streams, which no frame can pass.
        self.streams: set[LinkId] = set()
        #: Routes from the master's link to an executor's, by executor.
        self.routes: dict[ExecutorKey, int] = {}
        self.outstanding: dict[TaskKey, Outstanding] = {}
        #: (due, task), a heap; an entry that ``outstanding`` does not have is stale.
        self.retries: list[tuple[float, TaskKey]] = []
        #: When SIGKILL is due, in steady seconds.
        self.deadlines: dict[ContainerId, float] = {}
        #: Containers of the last life that the launcher has not told of yet.
        self.unheard: set[ContainerId] = set()
        #: Executors of the last life that live and have not subscribed again.
        self.awaited: set[ContainerId] = set()
        #: Executors that have ended while their link still may bring their last words.
        self.exits: dict[ContainerId, ContainerExited | ContainerFailed] = {}
        #: Containers that are launched once their files are there.
        self.fetching: set[ContainerId] = set()
        #: Checks of running tasks.
        self.watches: dict[ProbeKey, Watch] = {}
        #: Containers in which commands of checks run.
        self.runs: dict[ContainerId, ProbeKey] = {}
        #: Why the agent stops as soon as nothing runs; ``None`` while it does not.
        self.leaving: str | None = None
        self.quitting = False

    @property
    def recovering(self) -> bool:
        """Whether what the last life left is not yet fully known."""
        return bool(self.unheard or self.awaited)


class Turn:
    """What a decision is made from, and where its outcome is collected."""

    __slots__ = ("flags", "live", "names", "now", "out", "roll", "state")

    def __init__(
        self,
        flags: AgentFlags,
        state: AgentState,
        live: Live,
        names: Names,
        roll: Callable[[], float],
        now: Moment,
    ) -> None:
        self.flags = flags
        self.state = state
        self.live = live
        self.names = names
        self.roll = roll
        self.now = now
        self.out: Outcome[AgentChange, AgentEffect] = Outcome()

    def change(self, change: AgentChange) -> None:
        """Make ``change`` true, and have it kept and published."""
        self.state.apply(change)
        self.out.changes.append(change)

    def do(self, effect: AgentEffect) -> None:
        """Have ``effect`` performed once the changes so far are kept."""
        self.out.effects.append(effect)

    def tell_master(self, message: Struct) -> None:
        """Say ``message`` to the master; it is dropped if we are with none."""
        if self.live.registered and self.live.master is not None:
            self.out.effects.append(Send(self.live.master, message))

    def count(self, name: str) -> None:
        """Count something for the metrics."""
        self.change(Counted(name))
