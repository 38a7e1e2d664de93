"""
When each job is next looked at, by the wall clock.

One timer serves all: it runs on the steady clock for the distance of the first, and once a
second it is seen whether the wall clock has stepped meanwhile.
"""

from __future__ import annotations

import heapq
from typing import Final

from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import InstantsDue
from mesostw.core.outcome import Arm, Disarm
from mesostw.model.jobs import Instant, JobName

#: The wall clock has been set if it moved so much against the steady one.
STEP_S: Final = 0.05
#: A distance that is too small for a sum of floats to be told would never pass.
_LEAST_S: Final = 0.001
#: Timers of clocks here take no more; whatever lies further ahead is looked at then.
_FURTHEST_S: Final = 86_400.0
#: Old entries of the heap that are left in it, beside as many as there are others.
_OLD_MAX: Final = 100


def wall_of(instant: Instant) -> float:
    """A wall second at which ``instant`` has surely come."""
    return (instant + 1) / 1000


def set_for(turn: Turn, name: JobName, wall: float | None) -> None:
    """Look at a job at that wall second, and at no other that was set before."""
    live = turn.live
    if wall is None:
        live.alarm_of.pop(name, None)
    elif live.alarm_of.get(name) != wall:
        live.alarm_of[name] = wall
        heapq.heappush(live.alarms, (wall, name))
        if len(live.alarms) > _OLD_MAX + 2 * len(live.alarm_of):
            # Old entries go when their time comes, which may be in years.
            live.alarms = [(at, one) for one, at in live.alarm_of.items()]
            heapq.heapify(live.alarms)


def fired(turn: Turn) -> None:
    """Have every job looked at whose time has come."""
    turn.live.armed_for = None
    while (head := first(turn)) is not None and head <= turn.now.wall:
        _, name = heapq.heappop(turn.live.alarms)
        turn.live.alarm_of.pop(name, None)
        turn.mark(name)


def first(turn: Turn) -> float | None:
    """When the first job is looked at; ``None`` if nothing waits for a time."""
    alarms, alarm_of = turn.live.alarms, turn.live.alarm_of
    while alarms and alarm_of.get(alarms[0][1]) != alarms[0][0]:
        heapq.heappop(alarms)
    return alarms[0][0] if alarms else None


def count_until(turn: Turn, wall: float, most: int) -> int:
    """How many jobs are looked at until a wall second, counting no further than ``most``."""
    alarms, alarm_of = turn.live.alarms, turn.live.alarm_of
    found, open_ = 0, [0]
    while open_ and found < most:
        at = open_.pop()
        if at < len(alarms) and alarms[at][0] <= wall:
            found += alarm_of.get(alarms[at][1]) == alarms[at][0]
            # Whoever is below another in a heap does not come before it.
            open_ += (2 * at + 1, 2 * at + 2)
    return found


def armed(turn: Turn) -> None:
    """Have the timer run for the first alarm."""
    head = first(turn)
    if head == turn.live.armed_for:
        return
    turn.live.armed_for = head
    if head is None:
        turn.do(Disarm(InstantsDue()))
    else:
        distance = head - turn.now.wall
        turn.do(Arm(InstantsDue(), min(_FURTHEST_S, max(_LEAST_S, distance))))


def begun(turn: Turn) -> None:
    """From here on a wall clock that is set is noticed."""
    turn.live.offset = _offset(turn)


def ticked(turn: Turn) -> None:
    """Notice a wall clock that was set: distances are others now."""
    # Many small steps make a large one, so they are counted from when distances were told.
    if abs(_offset(turn) - turn.live.offset) > STEP_S:
        begun(turn)
        fired(turn)
        # What waits for a distance is at another time of the wall clock now.
        for name in turn.state.live:
            turn.mark(name)


def _offset(turn: Turn) -> float:
    return turn.now.wall - turn.now.steady
