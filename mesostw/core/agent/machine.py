"""
The agent's core: what it hears, and which noun decides.

It is told stimuli one at a time and answers each with an outcome; nothing else happens
here.  Only links that are a master's or an executor's are listened to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec import Struct

from mesostw.core.agent import (
    checking,
    endings,
    executors,
    exits,
    health,
    kills,
    launches,
    recovery,
    registration,
    routes,
    updates,
)
from mesostw.core.agent.changes import (
    AgentChange,
    Counted,
    Executor,
    ExecutorChanged,
    ExecutorRemoved,
    Framework,
    FrameworkChanged,
    FrameworkRemoved,
    Identity,
    IdentityChanged,
    MasterChanged,
    RoomChanged,
    Task,
    TaskChanged,
    TaskRemoved,
)
from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.core.agent.fetches import Fetched, FetchFailed
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.state import AgentState
from mesostw.core.agent.turn import Live, Names, Turn
from mesostw.core.agent.words import (
    AgentEffect,
    AgentStimulus,
    AgentTimer,
    CheckDue,
    CheckLate,
    CompletionTimeOver,
    ExecutorDrained,
    ExecutorTimeOver,
    GraceOver,
    HeartbeatDue,
    LeaveAsked,
    MasterSilent,
    RegistrationDue,
    RetryDue,
    RoomLeft,
)
from mesostw.core.outcome import (
    Answer,
    Asked,
    Close,
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
from mesostw.messages import executor_calls
from mesostw.messages.agent_master import (
    AcknowledgeStatus,
    AgentRegistered,
    AgentReregistered,
    FrameworkMessage,
    FrameworkReturned,
    KillTask,
    Ping,
    RouteClosed,
    RouteOpened,
    RunTask,
    RunTaskGroup,
    ShutdownAgent,
    ShutdownExecutor,
    ShutdownFramework,
)
from mesostw.model.ids import LinkId


class Agent:
    """
    One agent.

    :param nonce: 8 bytes that no other life of any agent has: names are made from them.
    :param roll: numbers from 0 up to 1, from a seeded generator; for back-off only.
    """

    RECORDS: Mapping[str, type[Struct]] = {
        "identity": Identity,
        "frameworks": Framework,
        "executors": Executor,
        "tasks": Task,
    }

    def __init__(self, flags: AgentFlags, nonce: bytes, roll: Callable[[], float]) -> None:
        self.flags = flags
        self.state = AgentState(flags.max_completed_executors_per_framework)
        self._live = Live()
        self._names = Names(nonce)
        self._roll = roll

    def _turn(self, now: Moment) -> Turn:
        return Turn(self.flags, self.state, self._live, self._names, self._roll, now)

    def restore(self, records: Records, now: Moment) -> Outcome[AgentChange, AgentEffect]:
        """Take up what earlier lives left; an agent without records is new."""
        turn = self._turn(now)
        recovery.restored(turn, records)
        return turn.out

    def hear(self, stimulus: AgentStimulus, now: Moment) -> Outcome[AgentChange, AgentEffect]:
        """Decide on one stimulus."""
        turn = self._turn(now)
        match stimulus:
            case Heard():
                self._heard(turn, stimulus.link, stimulus.message)
            case ContainerStarted():
                recovery.container_started(turn, stimulus)
            case ContainerExited() | ContainerFailed():
                recovery.container_ended(turn, stimulus)
            case Fetched():
                recovery.fetched(turn, stimulus)
            case FetchFailed():
                recovery.fetch_failed(turn, stimulus)
            case Probed():
                health.probed(turn, stimulus)
            case TimerFired():
                _timer_fired(turn, stimulus.timer)
            case LinkOpened():
                _opened(turn, stimulus)
            case LinkClosed():
                self._closed(turn, stimulus.link)
            case Asked():
                refusal = Refusal("UNKNOWN_QUESTION", f"{stimulus.question!r} is no question here")
                turn.do(Answer(stimulus.request, refusal))
            case RoomLeft():
                if stimulus.full != self.state.full:
                    turn.change(RoomChanged(stimulus.full))
            case LeaveAsked():
                kills.agent_shutdown_asked(turn, stimulus.message)
            case Continued() | LinkCrowded() | LinkEased():
                # An agent has no long work, and says nothing that it could hold back.
                pass
            case _:
                assert_never(stimulus)
        return turn.out

    def write_of(self, change: AgentChange) -> Write | None:
        """What is kept of a change; ids hold no ``/``, so that keys are unambiguous."""
        match change:
            case TaskChanged(task):
                return Write(f"tasks/{task.framework_id}/{task.info.task_id.value}", task)
            case TaskRemoved(key):
                return Write(f"tasks/{key[0]}/{key[1]}", None)
            case ExecutorChanged(executor):
                return Write("executors/{}/{}".format(*executor.key), executor)
            case ExecutorRemoved(key):
                return Write("executors/{}/{}".format(*key), None)
            case FrameworkChanged(framework):
                return Write(f"frameworks/{framework.id}", framework)
            case FrameworkRemoved(framework_id):
                return Write(f"frameworks/{framework_id}", None)
            case IdentityChanged(identity):
                return Write("identity/self", identity)
            case MasterChanged() | Counted() | RoomChanged():
                return None
            case _:
                assert_never(change)

    def check(self) -> None:
        """Raise ``AssertionError`` if the state or the links contradict themselves."""
        self.state.check()
        live = self._live
        for key, link in live.link_of.items():
            assert live.executor_of.get(link) == key, (key, link)
        for outstanding in live.outstanding:
            assert self.state.tasks[outstanding].pending, outstanding
        assert not live.registered or live.master is not None
        for name, watch in live.watches.items():
            assert watch.container_id in self.state.containers, name
            assert watch.run is None or live.runs.get(watch.run) == name, name
        assert all(name in live.watches for name in live.runs.values()), live.runs
        for container in live.fetching:
            assert container in self.state.containers or container in self.state.executor_containers

    def _heard(self, turn: Turn, link: LinkId, message: Struct) -> None:
        if link == self._live.master:
            _master_said(turn, link, message)
        elif link in self._live.executor_of:
            _executor_said(turn, link, message)

    def _closed(self, turn: Turn, link: LinkId) -> None:
        if link == self._live.master:
            registration.lost(turn)
        else:
            exits.link_closed(turn, link)


def _opened(turn: Turn, heard: LinkOpened) -> None:
    if heard.role == "master":
        registration.opened(turn, heard)
    elif heard.role == "executor":
        executors.opened(turn, heard)
    else:
        turn.do(Close(heard.link, f"an agent does not speak with a {heard.role}"))


def _master_said(turn: Turn, link: LinkId, message: Struct) -> None:
    match message:
        case RunTask():
            if not registration.stale(turn, message.epoch):
                launches.sent(turn, message)
        case AcknowledgeStatus():
            updates.acknowledged(turn, message)
        case KillTask():
            if not registration.stale(turn, message.epoch):
                kills.task_kill_asked(turn, message)
        case FrameworkReturned():
            updates.framework_returned(turn, message)
        case Ping():
            registration.pinged(turn, message)
        case FrameworkMessage():
            executors.spoken_to(turn, message)
        case RunTaskGroup():
            if not registration.stale(turn, message.epoch):
                launches.group_sent(turn, message)
        case AgentRegistered() | AgentReregistered():
            registration.registered(turn, link, message)
        case ShutdownExecutor():
            if not registration.stale(turn, message.epoch):
                kills.executor_shutdown_asked(turn, message)
        case ShutdownFramework():
            if not registration.stale(turn, message.epoch):
                kills.framework_shutdown_asked(turn, message)
        case ShutdownAgent():
            if not registration.stale(turn, message.epoch):
                kills.agent_shutdown_asked(turn, message.message)
        case RouteOpened():
            routes.opened(turn, message)
        case RouteClosed():
            routes.closed(turn, message)
        case _:
            turn.count("unexpected_messages")


def _executor_said(turn: Turn, link: LinkId, message: Struct) -> None:
    if isinstance(message, executor_calls.Subscribe):
        executors.subscribed(turn, link, message)
        registration.begin(turn)
        return
    if turn.live.link_of.get(turn.live.executor_of[link]) != link:
        turn.count("unexpected_messages")
        return
    match message:
        case executor_calls.Update():
            executors.updated(turn, link, message)
        case executor_calls.Message():
            executors.spoke(turn, link, message)
        case executor_calls.Heartbeat():
            pass
        case _:
            turn.count("unexpected_messages")


def _timer_fired(turn: Turn, timer: Struct) -> None:
    assert isinstance(timer, AgentTimer)
    match timer:
        case RetryDue():
            updates.retry_due(turn)
        case RegistrationDue():
            registration.due(turn)
        case MasterSilent():
            registration.silent(turn)
        case GraceOver():
            endings.grace_over(turn, timer)
        case CompletionTimeOver():
            endings.completion_time_over(turn, timer)
        case CheckDue():
            checking.due(turn, timer)
        case CheckLate():
            health.run_late(turn, timer)
        case ExecutorTimeOver():
            exits.time_over(turn, timer)
            registration.begin(turn)
        case ExecutorDrained():
            exits.drained(turn, timer)
        case HeartbeatDue():
            executors.heartbeat_due(turn)
        case _:
            assert_never(timer)
