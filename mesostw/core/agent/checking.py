"""
Checks of built-in tasks, under way: how each is made, again and again.

HTTP and TCP checks are probes of the task's own machine.  A command is a container of its
own, in the task's sandbox and environment and as its user; how it ends is the finding.
Its output goes nowhere: it would pile up in the sandbox, as often as it is run.  One that
takes too long is killed, and no command of one check runs twice at once.

All this is forgotten when the agent stops, and begins again with the tasks that still run;
what was under way is ended by the launcher, to which nobody names it any more.
"""

from __future__ import annotations

import signal

from mesostw.core.agent.changes import Task
from mesostw.core.agent.containers import ContainerExited, ContainerFailed
from mesostw.core.agent.environment import shared_environment, spec_of_check
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.watches import Found, Purpose, Watch, key_of
from mesostw.core.agent.words import CheckDue, CheckLate, KillContainer, Launch
from mesostw.core.outcome import Arm, Disarm
from mesostw.core.probes import INTERVAL_MIN_S, ProbeKey, ProbeSpec, StartProbe, StopProbe
from mesostw.model.ids import ContainerId


def begin(turn: Turn, watch: Watch, delay_s: float, probe: ProbeSpec | None) -> None:
    """Make a check from now on: as ``probe`` says, or else by the watch's command."""
    turn.live.watches[watch.key] = watch
    if probe is not None:
        turn.do(StartProbe(watch.key, probe))
    else:
        turn.do(Arm(CheckDue(watch.key), delay_s))


def ceased(turn: Turn, container_id: ContainerId) -> None:
    """Check a task no more; what is under way is given up."""
    for purpose in Purpose:
        watch = turn.live.watches.pop(key_of(purpose, container_id), None)
        if watch is None:
            continue
        if watch.command is None:
            turn.do(StopProbe(watch.key))
        elif watch.run is None:
            turn.do(Disarm(CheckDue(watch.key)))
        else:
            turn.do(Disarm(CheckLate(watch.key)))
            del turn.live.runs[watch.run]
            turn.do(KillContainer(watch.run, signal.SIGKILL))


def due(turn: Turn, timer: CheckDue) -> None:
    """It is time to run the command of a check."""
    watch = turn.live.watches.get(timer.key)
    if watch is None or watch.command is None or watch.run is not None:
        return
    task = task_of(turn, watch)
    watch.run, watch.late = turn.names.container_id(), False
    turn.live.runs[watch.run] = watch.key
    shared = shared_environment(turn.flags, turn.state.identity.agent_id)
    turn.do(Launch(spec_of_check(task, watch.run, watch.command, shared)))
    if watch.timeout_s > 0:
        turn.do(Arm(CheckLate(watch.key), watch.timeout_s))


def late(turn: Turn, timer: CheckLate) -> tuple[Watch, Found] | None:
    """The command of a check has had its time; what that means for the check, if anything."""
    watch = turn.live.watches.get(timer.key)
    if watch is None or watch.run is None or watch.late:
        return None
    watch.late = True
    turn.do(KillContainer(watch.run, signal.SIGKILL))
    return watch, Found(None, f"timeout after {watch.timeout_s:g} s")


def run_over(
    turn: Turn, key: ProbeKey, heard: ContainerExited | ContainerFailed
) -> tuple[Watch, Found] | None:
    """A check's command has ended, or could not be run; what was found, unless it was late."""
    watch = turn.live.watches[key]
    watch.run = None
    turn.do(Disarm(CheckLate(key)))
    turn.do(Arm(CheckDue(key), max(watch.interval_s, INTERVAL_MIN_S)))
    if watch.late:
        return None
    if isinstance(heard, ContainerFailed):
        return watch, Found(None, f"the command could not be run: {heard.message}")
    if heard.status is None:
        return watch, Found(None, f"the command's end is unknown: {heard.message}")
    number = heard.status & 0x7F
    return watch, Found(-number if number else heard.status >> 8)


def task_of(turn: Turn, watch: Watch) -> Task:
    """The task that is checked; it runs as long as it is."""
    return turn.state.tasks[turn.state.containers[watch.container_id]]
