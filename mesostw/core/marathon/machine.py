"""
Marathon: which words lead to what.

This module holds only the matches; what a word means stands in the module of its noun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct

from mesostw.core.framework.naming import Chance
from mesostw.core.marathon import (
    asked,
    converging,
    delays,
    deployments,
    durable,
    health,
    kills,
    membership,
    noting,
    offers,
    operators,
    reconciling,
    recovery,
    registration,
    statuses,
    timeouts,
    unreachable,
    why,
)
from mesostw.core.marathon.changes import MarathonChange
from mesostw.core.marathon.checking import check
from mesostw.core.marathon.flags import TICK_S, MarathonFlags
from mesostw.core.marathon.live import Live
from mesostw.core.marathon.reasons import QueueReport, WhyReport
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Names, Turn
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    DelayResetAsked,
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    InstancesKillAsked,
    KillDue,
    MarathonEffect,
    MarathonStimulus,
    ReconcileDue,
    ReviveDue,
    Tick,
)
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
from mesostw.core.probes import Probed
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
from mesostw.model.apps import AppId


class Marathon:
    """
    Marathon's core.

    :param nonce: 8 bytes that no other life of any Marathon has: names are made from them.
    :param chance: seeded, for the order of apps and of ports.
    """

    RECORDS: Mapping[str, type[Struct]] = durable.RECORDS

    def __init__(self, flags: MarathonFlags, nonce: bytes, chance: Chance) -> None:
        self.flags = flags
        self.state = MarathonState()
        self._live = Live()
        self._names = Names(nonce)
        self._chance = chance
        self._story = Story()

    def _turn(self, now: Moment) -> Turn:
        return Turn(self.flags, self.state, self._live, self._names, self._chance, now)

    # --- what a driver calls --------------------------------------------------

    def hear(
        self, stimulus: MarathonStimulus, now: Moment
    ) -> Outcome[MarathonChange, MarathonEffect]:
        """Decide on one stimulus."""
        turn = self._turn(now)
        self._hear(turn, stimulus)
        converging.paced(turn)
        if turn.changes:
            membership.followed(turn)
            noting.noted(self._story, stimulus, turn.changes, now.wall)
        return turn.out

    def restore(self, records: Records, now: Moment) -> Outcome[MarathonChange, MarathonEffect]:
        """Start from what a store kept: everything is looked at again."""
        turn = self._turn(now)
        recovery.restored(turn, records)
        turn.do(Arm(Tick(), TICK_S))
        converging.paced(turn)
        return turn.out

    def write_of(self, change: MarathonChange) -> Write | None:
        """Say what a store keeps of ``change``."""
        return change.write()

    def check(self) -> None:
        """Raise ``AssertionError`` if an invariant of the whole state is broken."""
        check(self.state)

    # --- what readers ask -------------------------------------------------------

    def story(self, key: str) -> tuple[Line, ...]:
        """Tell the last of ``app/ID``, ``instance/ID``, ``deployment/ID`` or ``group/ID``."""
        return self._story.story(key)

    def queue(self, now: Moment) -> tuple[QueueReport, ...]:
        """Tell of every app that has instances left to launch."""
        return why.queue(self.state, self._live, now)

    def why(self, app_id: AppId, now: Moment) -> WhyReport | None:
        """Explain an app, if it is known."""
        return why.report(self.state, self._live, self.flags, app_id, now)

    # --- the match -------------------------------------------------------------

    def _hear(self, turn: Turn, stimulus: MarathonStimulus) -> None:
        match stimulus:
            case StatusCame():
                statuses.came(turn, stimulus)
            case Offered():
                offers.offered(turn, stimulus)
            case Continued():
                converging.converged(turn)
                offers.resumed(turn)
            case Probed():
                health.probed(turn, stimulus)
            case TimerFired(timer):
                _fired(turn, timer)
            case Asked(request, question):
                turn.do(Answer(request, _asked(turn, question)))
            case Rescinded():
                offers.rescinded(turn, stimulus)
            case Registered():
                registration.registered(turn, stimulus)
            case MasterLost():
                registration.lost(turn)
            case AgentFailed():
                unreachable.agent_failed(turn, stimulus)
            case MessageCame():
                statuses.message_came(turn, stimulus)
            case Refused():
                registration.refused(turn, stimulus)
            case Heard() | LinkOpened() | LinkClosed() | LinkCrowded() | LinkEased():
                # Marathon has no links of its own: it speaks through the scheduler client.
                pass
            case _:
                assert_never(stimulus)


def _fired(turn: Turn, timer: Struct) -> None:
    match timer:
        case Tick():
            turn.do(Arm(Tick(), TICK_S))
            for ticked in _TICKED:
                ticked(turn)
        case ReviveDue():
            offers.revive_due(turn)
        case KillDue():
            kills.due(turn, timer)
        case ReconcileDue():
            reconciling.due(turn)
        case _:
            raise TypeError(f"no timer of Marathon: {timer!r}")


#: What the clock drives, once a second, in this order.
_TICKED: Final = (
    delays.swept,
    offers.ticked,
    timeouts.ticked,
    unreachable.ticked,
    kills.said_again,
    deployments.ticked,
    converging.ticked,
)


def _asked(turn: Turn, question: Struct) -> Struct | None:
    match question:
        case (
            AppsAsked()
            | AppRestartAsked()
            | AppRemovalAsked()
            | GroupAsked()
            | GroupPatchAsked()
            | GroupRemovalAsked()
        ):
            return asked.asked(turn, question)
        case InstancesKillAsked():
            return operators.instances_kill_asked(turn, question)
        case DeploymentCancelAsked():
            return deployments.cancel_asked(turn, question)
        case DeploymentPauseAsked():
            return deployments.pause_asked(turn, question)
        case DelayResetAsked():
            return delays.reset_asked(turn, question)
        case _:
            return Refusal("unknown_question", f"No such question: {question!r}")
