"""Starting nothing for a while: what is due meanwhile is caught up with after."""

from __future__ import annotations

from mesostw.core.chronos.changes import PauseChanged
from mesostw.core.chronos.records import Pause
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import Done, PauseAsked


def asked(turn: Turn, question: PauseAsked) -> Done:
    """Begin a pause, or end it; what runs goes on."""
    is_paused = turn.state.pause is not None
    if is_paused is question.paused:
        return Done(changed=False)
    pause = Pause(turn.now.wall, question.by, question.why) if question.paused else None
    turn.change(PauseChanged(pause))
    if pause is not None:
        turn.live.ready.clear()
    for name in turn.state.live if question.paused else turn.state.jobs:
        turn.mark(name)
    return Done()
