"""One stimulus being decided on."""

from __future__ import annotations

from msgspec import Struct

from mesostw.core.allocator import Allocator
from mesostw.core.master.changes import MasterChange
from mesostw.core.master.flags import MasterFlags
from mesostw.core.master.live import Live
from mesostw.core.master.records import Framework
from mesostw.core.master.state import ClusterState
from mesostw.core.master.words import MasterEffect
from mesostw.core.outcome import Moment, Outcome, Send
from mesostw.model.ids import FrameworkId, LinkId


class Turn:
    """What a decision is made from, and where its outcome is collected."""

    __slots__ = (
        "allocator",
        "changes",
        "effects",
        "epoch",
        "flags",
        "live",
        "master_id",
        "now",
        "out",
        "state",
    )

    def __init__(
        self,
        master_id: str,
        epoch: int,
        flags: MasterFlags,
        state: ClusterState,
        live: Live,
        allocator: Allocator,
    ) -> None:
        self.master_id = master_id
        self.epoch = epoch
        self.flags = flags
        self.state = state
        self.live = live
        self.allocator = allocator
        self.begin(Moment(0.0, 0.0))

    def begin(self, now: Moment) -> None:
        """Start afresh for the next stimulus: one object serves all turns."""
        self.now = now
        self.out: Outcome[MasterChange, MasterEffect] = Outcome()
        self.changes = self.out.changes
        self.effects = self.out.effects

    def change(self, change: MasterChange) -> None:
        """Make ``change`` true, and have it kept and published."""
        self.state.apply(change)
        self.changes.append(change)

    def do(self, effect: MasterEffect) -> None:
        """Have ``effect`` performed once the changes so far are kept."""
        self.effects.append(effect)

    def send(self, link: LinkId | None, message: Struct) -> None:
        """Say ``message`` on ``link``; nothing if there is none."""
        if link is not None:
            self.effects.append(Send(link, message))

    def count(self, name: str) -> None:
        """Count an event under its name in Mesos."""
        counters = self.live.counters
        counters[name] = counters.get(name, 0) + 1

    def tell(self, framework_id: FrameworkId, event: Struct) -> None:
        """Say ``event`` to a framework; nothing while it is away."""
        framework = self.state.frameworks.get(framework_id)
        if framework is not None and framework.link is not None:
            self.effects.append(Send(framework.link, event))

    def is_aware(self, framework_id: FrameworkId) -> bool:
        """Whether a framework is told finer states than LOST."""
        framework: Framework | None = self.state.frameworks.get(framework_id)
        return framework is not None and "PARTITION_AWARE" in framework.capabilities
