"""What Chronos' core forgets when it stops; no reader sees it and no store keeps it."""

from __future__ import annotations

from msgspec import Struct

from mesostw.core.chronos.demands import Demand, Funnel
from mesostw.core.chronos.words import ReviveDue
from mesostw.core.framework.flows import Flows
from mesostw.core.framework.spots import Spot
from mesostw.model.ids import OfferId
from mesostw.model.jobs import JobName, RunId


class Asking(Struct, gc=False):
    """A task that the master is asked after until it answers; times in steady seconds."""

    delay_s: float
    due: float


class Live:
    """Marks, clocks and queues of one life."""

    def __init__(self) -> None:
        #: Jobs to be looked at in the next slice (``converging``).
        self.marked: dict[JobName, None] = {}
        #: Whether ``Continue`` has been asked for.
        self.continuing = False
        self.last_stamp = ""
        #: Whether a master knows us on the present link, and one has in this life.
        self.registered = False
        self.greeted = False
        #: (wall second, name) of all that waits for a time, a heap; old entries are left in
        #: it and known by not being those of ``alarm_of``.
        self.alarms: list[tuple[float, JobName]] = []
        self.alarm_of: dict[JobName, float] = {}
        #: For which wall second ``InstantsDue`` is armed.
        self.armed_for: float | None = None
        #: Runs that may be launched now.
        self.ready: dict[RunId, None] = {}
        #: Runs of earlier lives, or of a broken link, that the master has not answered for:
        #: nothing of their jobs is started that may not overlap.
        self.unsure: dict[RunId, Asking] = {}
        #: When a kill was last said, in steady seconds.
        self.kills_said: dict[RunId, float] = {}
        #: The uuid of the last status of each run that is out.
        self.heard: dict[RunId, bytes | None] = {}
        #: Wall minus steady when distances were last told: a step of the wall clock shows in it.
        self.offset = 0.0
        #: When offers came last, in wall seconds.
        self.offered_at: float | None = None
        #: Offers that are kept at hand, and since when, in steady seconds.
        self.held: dict[OfferId, tuple[Spot, float]] = {}
        self.flows = Flows(ReviveDue())
        #: When something was last launched, in steady seconds.
        self.stirred_at: float | None = None
        #: Whether something became ready since offers were last wished.
        self.wishes = False
        #: When runs were launched that nothing was heard of since, in steady seconds.
        self.launched: dict[RunId, float] = {}
        #: What became of offers for what is ready, by what it needs.
        self.funnels: dict[Demand, Funnel] = {}
        #: Before when a run that waits is not launched, in steady seconds.
        self.starts_at: dict[RunId, float] = {}
        #: Until when a run may be away, and may take, in steady seconds.
        self.away_until: dict[RunId, float] = {}
        self.runs_until: dict[RunId, float] = {}
