"""One stimulus being decided on, and where its outcome is collected."""

from __future__ import annotations

from mesostw.core.chronos.changes import ChronosChange, Told
from mesostw.core.chronos.events import ChronosEvent
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import ChronosEffect
from mesostw.core.framework.naming import Chance, Names, stamp_after
from mesostw.core.outcome import Continue, Moment, Outcome
from mesostw.model.jobs import Instant, JobName


class Turn:
    """What a decision is made from, and where its outcome is collected."""

    __slots__ = ("chance", "changes", "flags", "live", "names", "now", "out", "state")

    def __init__(
        self,
        flags: ChronosFlags,
        state: ChronosState,
        live: Live,
        names: Names,
        chance: Chance,
        now: Moment,
    ) -> None:
        self.flags = flags
        self.state = state
        self.live = live
        self.names = names
        self.chance = chance
        self.now = now
        self.out: Outcome[ChronosChange, ChronosEffect] = Outcome()
        self.changes = self.out.changes

    @property
    def instant(self) -> Instant:
        """The present as a nominal time."""
        return Instant(int(self.now.wall * 1000))

    def change(self, change: ChronosChange) -> None:
        """Make ``change`` true, and have it kept and published."""
        self.state.apply(change)
        self.changes.append(change)

    def tell(self, event: ChronosEvent) -> None:
        """Have the event stream tell of something."""
        self.changes.append(Told(event))

    def do(self, effect: ChronosEffect) -> None:
        """Have ``effect`` performed once the changes so far are kept."""
        self.out.effects.append(effect)

    def mark(self, name: JobName) -> None:
        """Have a job looked at in the next slice: something of it may be due."""
        self.live.marked[name] = None
        if not self.live.continuing:
            self.live.continuing = True
            self.do(Continue())

    def stamp(self) -> str:
        """A new version, later than every other."""
        self.live.last_stamp = stamp_after(self.live.last_stamp, self.now.wall)
        return self.live.last_stamp
