"""
Chronos: which words lead to what.

This module holds only the matches; what a word means stands in the module of its noun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct

from mesostw.core.chronos import (
    alarms,
    backfill,
    checking,
    converging,
    durable,
    kills,
    notices,
    noting,
    offers,
    operators,
    pausing,
    reconciling,
    recovery,
    registration,
    statuses,
    timeouts,
    why,
    wishing,
)
from mesostw.core.chronos.changes import ChronosChange
from mesostw.core.chronos.flags import TICK_S, ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.reasons import WaitingReport, WhyReport
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import (
    AllTasksDropAsked,
    BackfillAsked,
    ChronosEffect,
    ChronosStimulus,
    EnablingAsked,
    InstantsDue,
    JobAsked,
    JobKillAsked,
    JobRemovalAsked,
    MarkAsked,
    Notified,
    PauseAsked,
    ProgressAsked,
    ReconcileDue,
    RerunAsked,
    ReviveDue,
    RunAsked,
    RunKillAsked,
    Tick,
    VerdictAsked,
)
from mesostw.core.framework.naming import Chance, Names
from mesostw.core.outcome import (
    Answer,
    Arm,
    Asked,
    Continued,
    Heard,
    LinkClosed,
    LinkCrowded,
    LinkEased,
    LinkOpened,
    Moment,
    Outcome,
    Records,
    Refusal,
    TimerFired,
    Write,
)
from mesostw.core.scheduling import (
    AgentFailed,
    MasterLost,
    MessageCame,
    Offered,
    Refused,
    Registered,
    Rescinded,
    StatusCame,
)
from mesostw.core.story import Line, Story
from mesostw.model.jobs import JobName


class Chronos:
    """
    Chronos' core.

    :param nonce: 8 bytes that no other life of any Chronos has: names are made from them.
    :param chance: seeded, for delays that differ.
    """

    RECORDS: Mapping[str, type[Struct]] = durable.RECORDS

    def __init__(self, flags: ChronosFlags, nonce: bytes, chance: Chance) -> None:
        self.flags = flags
        self.state = ChronosState()
        self._live = Live()
        self._names = Names(nonce)
        self._chance = chance
        self._story = Story()

    def _turn(self, now: Moment) -> Turn:
        return Turn(self.flags, self.state, self._live, self._names, self._chance, now)

    # --- what a driver calls --------------------------------------------------

    def hear(self, stimulus: ChronosStimulus, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        """Decide on one stimulus."""
        turn = self._turn(now)
        self._hear(turn, stimulus)
        alarms.armed(turn)
        if turn.changes:
            noting.noted(self._story, stimulus, turn.changes, now.wall)
        return turn.out

    def restore(self, records: Records, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        """Start from what a store kept: all that may have something to do is looked at."""
        turn = self._turn(now)
        recovery.restored(turn, records)
        turn.do(Arm(Tick(), TICK_S))
        alarms.armed(turn)
        return turn.out

    def write_of(self, change: ChronosChange) -> Write | None:
        """Say what a store keeps of ``change``."""
        return change.write()

    def check(self) -> None:
        """Raise ``AssertionError`` if an invariant of the whole state is broken."""
        checking.check(self.state)
        checking.check_live(self.state, self._live)

    # --- what readers ask -------------------------------------------------------

    def story(self, key: str) -> tuple[Line, ...]:
        """Tell the last of ``job/NAME`` or ``run/ID``."""
        return self._story.story(key)

    def queue(self, now: Moment) -> tuple[WaitingReport, ...]:
        """Tell of every run that waits."""
        return why.queue(self.state, self._live, self.flags, now)

    def why(self, name: JobName, now: Moment) -> WhyReport | None:
        """Explain a job, if it is known."""
        return why.report(self.state, self._live, self.flags, name, now)

    # --- the match -------------------------------------------------------------

    def _hear(self, turn: Turn, stimulus: ChronosStimulus) -> None:
        match stimulus:
            case StatusCame():
                statuses.came(turn, stimulus)
            case Offered():
                offers.offered(turn, stimulus)
            case Continued():
                converging.continued(turn)
                offers.resumed(turn)
            case TimerFired(timer):
                _fired(turn, timer)
            case Asked(request, question):
                turn.do(Answer(request, _asked(turn, question)))
            case Notified():
                notices.notified(turn, stimulus)
            case Rescinded():
                offers.rescinded(turn, stimulus)
            case Registered():
                registration.registered(turn, stimulus)
            case MasterLost():
                registration.lost(turn)
            case Refused():
                registration.refused(turn, stimulus)
            case AgentFailed() | MessageCame():
                # Statuses tell what becomes of tasks; executors' own words are for others.
                pass
            case Heard() | LinkOpened() | LinkClosed() | LinkCrowded() | LinkEased():
                # Chronos has no links of its own: it speaks through the scheduler client.
                pass
            case _:
                assert_never(stimulus)


def _fired(turn: Turn, timer: Struct) -> None:
    match timer:
        case InstantsDue():
            alarms.fired(turn)
        case Tick():
            turn.do(Arm(Tick(), TICK_S))
            for ticked in _TICKED:
                ticked(turn)
        case ReviveDue():
            offers.revive_due(turn)
        case ReconcileDue():
            reconciling.due(turn)
        case _:
            raise TypeError(f"no timer of Chronos: {timer!r}")


#: What the clock drives, once a second, in this order.
_TICKED: Final = (
    alarms.ticked,
    timeouts.ticked,
    reconciling.ticked,
    kills.ticked,
    offers.resumed,
)


def _asked(turn: Turn, question: Struct) -> Struct | None:
    match question:
        case JobAsked():
            return wishing.job_asked(turn, question)
        case JobRemovalAsked():
            return wishing.removal_asked(turn, question)
        case EnablingAsked():
            return wishing.enabling_asked(turn, question)
        case BackfillAsked():
            return backfill.asked(turn, question)
        case PauseAsked():
            return pausing.asked(turn, question)
        case _:
            return _asked_of_runs(turn, question)


def _asked_of_runs(turn: Turn, question: Struct) -> Struct | None:
    match question:
        case RunAsked():
            return operators.run_asked(turn, question)
        case RerunAsked():
            return operators.rerun_asked(turn, question)
        case JobKillAsked():
            return operators.job_kill_asked(turn, question)
        case RunKillAsked():
            return operators.run_kill_asked(turn, question)
        case MarkAsked():
            return operators.mark_asked(turn, question)
        case VerdictAsked():
            return operators.verdict_asked(turn, question)
        case ProgressAsked():
            return operators.progress_asked(turn, question)
        case AllTasksDropAsked():
            return operators.all_tasks_drop_asked(turn, question)
        case _:
            return Refusal("unknown_question", f"No such question: {question!r}")
