"""
The master: which words lead to what.

This module holds only the matches; what a word means stands in the module of its noun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from msgspec import Struct

from mesostw.core.allocator import Allocator
from mesostw.core.allocator.rounds import Chance
from mesostw.core.master import (
    agents,
    clockwork,
    durable,
    frameworks,
    kills,
    launching,
    offers,
    operators,
    reconcile,
    reregistration,
    routes,
    tasks,
    telling,
)
from mesostw.core.master.changes import MasterChange
from mesostw.core.master.checking import check, check_given
from mesostw.core.master.flags import TICK_S, MasterFlags
from mesostw.core.master.live import Live, Peer
from mesostw.core.master.records import Framework
from mesostw.core.master.state import ClusterState
from mesostw.core.master.telling import Reason
from mesostw.core.master.turn import Turn
from mesostw.core.master.words import (
    AgentActivationAsked,
    AgentGoneAsked,
    AllocationDue,
    FrameworkUpdateAsked,
    MasterEffect,
    MasterStimulus,
    TaskKillAsked,
    TeardownAsked,
    Tick,
    WeightsAsked,
)
from mesostw.core.outcome import (
    Answer,
    Arm,
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
from mesostw.core.story import Line, Story
from mesostw.messages import agent_master as said_by_agent
from mesostw.messages import scheduler_calls as calls
from mesostw.messages.scheduler_events import Error
from mesostw.model.ids import AgentId, FrameworkId, LinkId


class Master:
    """
    A master's core.

    :param master_id: this life's name, at the head of every name that it gives.
    :param epoch: the store's epoch; agents obey the newest only.
    :param chance: seeded, for the order in which agents are looked at.
    """

    RECORDS: Mapping[str, type[Struct]] = durable.RECORDS

    def __init__(self, master_id: str, flags: MasterFlags, epoch: int, chance: Chance) -> None:
        self.state = ClusterState()
        self._live = Live(flags.agent_ping_timeout_s)
        self._story = Story()
        self._allocator = Allocator(
            chance,
            minimum=flags.minimum,
            keep_gpus=flags.filter_gpu_resources,
            excluded=flags.excluded_resource_names,
        )
        self._turn = Turn(master_id, epoch, flags, self.state, self._live, self._allocator)

    def reign(self, epoch: int) -> None:
        """Lead under ``epoch``, which was not known before the store was read."""
        self._turn.epoch = epoch

    # --- what a driver calls --------------------------------------------------

    def hear(self, stimulus: MasterStimulus, now: Moment) -> Outcome[MasterChange, MasterEffect]:
        """Decide on one stimulus."""
        turn = self._turn
        turn.begin(now)
        self._hear(turn, stimulus)
        clockwork.paced(turn)
        out = turn.out
        if out.changes:
            check_given(self.state, out.changes)
            telling.noted(self._story, stimulus, out.changes, now.wall)
        return out

    def restore(self, records: Records, now: Moment) -> Outcome[MasterChange, MasterEffect]:
        """Start from what a store kept."""
        turn = self._turn
        turn.begin(now)
        durable.restored(turn, records)
        turn.do(Arm(Tick(), TICK_S))
        return turn.out

    def write_of(self, change: MasterChange) -> Write | None:
        """Say what a store keeps of ``change``."""
        return durable.write_of(change)

    def check(self) -> None:
        """Raise ``AssertionError`` if an invariant of the whole state is broken."""
        check(self.state, self._live, self._allocator)

    # --- what readers ask -------------------------------------------------------

    def counters(self) -> Mapping[str, int]:
        """Count events since the start, by their name in Mesos."""
        return {f"master/{name}": count for name, count in self._live.counters.items()}

    def story(self, key: str) -> tuple[Line, ...]:
        """Tell the last of ``task/FRAMEWORK/TASK``, ``agent/ID`` or ``framework/ID``."""
        return self._story.story(key)

    def why(self, kind: str, name: str) -> Reason | None:
        """Explain a ``task`` (``FRAMEWORK/TASK``), ``agent`` or ``framework``, if it is known."""
        match kind:
            case "task":
                return telling.why_task(self.state, self._story, name)
            case "agent":
                return telling.why_agent(self.state, self._story, AgentId(name))
            case "framework":
                framework_id = FrameworkId(name)
                return telling.why_framework(self.state, self._story, self._allocator, framework_id)
            case _:
                return None

    # --- the match -------------------------------------------------------------

    def _hear(self, turn: Turn, stimulus: MasterStimulus) -> None:
        match stimulus:
            case Heard(link, message):
                self._heard(turn, link, message)
            case Continued():
                self._live.continuing = False
                clockwork.allocated(turn)
            case TimerFired(timer):
                self._fired(turn, timer)
            case LinkOpened():
                connection = "http" if stimulus.version == "http" else "bus"
                peer = Peer(stimulus.role, stimulus.address, connection)
                self._live.links[stimulus.link] = peer
            case LinkClosed(link):
                self._closed(turn, link)
            case LinkCrowded(link):
                frameworks.paced(turn, link, crowded=True)
            case LinkEased(link):
                frameworks.paced(turn, link, crowded=False)
            case Asked(request, question):
                turn.do(Answer(request, self._asked(turn, question)))
            case _:
                assert_never(stimulus)

    def _fired(self, turn: Turn, timer: Struct) -> None:
        match timer:
            case Tick():
                clockwork.ticked(turn)
            case AllocationDue():
                self._live.allocation_at = None
            case _:
                raise TypeError(f"no timer of a master: {timer!r}")

    def _asked(self, turn: Turn, question: Struct) -> Refusal | None:
        match question:
            case (
                TeardownAsked()
                | TaskKillAsked()
                | FrameworkUpdateAsked()
                | AgentGoneAsked()
                | AgentActivationAsked()
                | WeightsAsked()
            ):
                return operators.asked(turn, question)
            case _:
                return Refusal("unknown_question", f"No such question: {question!r}")

    def _closed(self, turn: Turn, link: LinkId) -> None:
        live, state = self._live, self.state
        peer = live.links.pop(link, None)
        live.crowded.discard(link)
        if peer is None:
            return
        if peer.agent_id is not None:
            agents.disconnected(turn, state.agents[peer.agent_id])
        elif peer.framework_id is not None:
            frameworks.disconnected(turn, state.frameworks[peer.framework_id])
        live.last_route.pop(link, None)

    def _heard(self, turn: Turn, link: LinkId, message: Struct) -> None:
        peer = self._live.links.get(link)
        if peer is None:
            turn.count("dropped_messages")
        elif peer.role == "agent":
            self._agent_said(turn, link, peer, message)
        elif peer.role != "framework":
            turn.count("dropped_messages")
        elif peer.framework_id is not None:
            framework = self.state.frameworks[peer.framework_id]
            self._framework_said(turn, link, peer, framework, message)
        elif isinstance(message, calls.Subscribe):
            frameworks.subscribed(turn, link, peer, message)
        else:
            turn.count("dropped_messages")
            frameworks.refused(turn, link, "Framework is not subscribed")

    def _agent_said(self, turn: Turn, link: LinkId, peer: Peer, message: Struct) -> None:
        match message:
            case said_by_agent.StatusUpdated():
                tasks.status_updated(turn, link, peer, message)
            case said_by_agent.Pong():
                agents.ponged(turn, peer)
            case said_by_agent.FrameworkMessage():
                routes.said_by_executor(turn, peer, message)
            case said_by_agent.ReregisterAgent():
                reregistration.reregistered(turn, link, peer, message)
            case said_by_agent.RegisterAgent():
                agents.registered(turn, link, peer, message)
            case said_by_agent.ExecutorExited():
                agents.executor_exited(turn, peer, message)
            case said_by_agent.UnregisterAgent():
                agents.unregistered(turn, peer)
            case said_by_agent.RouteClosed():
                routes.refused(turn, link, message)
            case _:
                turn.count("dropped_messages")
                turn.do(Close(link, f"an agent does not say {type(message).__name__}"))

    def _framework_said(
        self, turn: Turn, link: LinkId, peer: Peer, framework: Framework, message: Struct
    ) -> None:
        match message:
            case calls.Acknowledge():
                tasks.acknowledged(turn, framework, message)
            case calls.Accept():
                launching.accepted(turn, framework, message)
            case calls.Decline():
                offers.declined(turn, framework, message)
            case calls.Message():
                routes.said_by_framework(turn, framework, message)
            case calls.Kill():
                kills.asked(turn, framework, message)
            case calls.Reconcile():
                reconcile.asked(turn, framework, message)
            case calls.Revive():
                frameworks.revived(turn, framework, message)
            case calls.Suppress():
                frameworks.suppressed(turn, framework, message)
            case calls.Shutdown():
                frameworks.executor_shutdown(turn, framework, message)
            case calls.Subscribe():
                frameworks.subscribed(turn, link, peer, message)
            case calls.UpdateFramework():
                fault = frameworks.updated(turn, framework, message)
                if fault is not None:
                    turn.send(link, Error(message=fault.message))
            case calls.Teardown():
                frameworks.removed(turn, framework)
            case calls.Request():
                turn.count("messages_resource_request")
            case calls.ReconcileOperations():
                reconcile.operations_asked(turn, framework, message)
            case (
                calls.AcknowledgeOperationStatus()
                | calls.AcceptInverseOffers()
                | calls.DeclineInverseOffers()
            ):
                # Nothing here makes operations or inverse offers yet that this could be about.
                turn.count("dropped_messages")
            case _:
                turn.count("dropped_messages")
                frameworks.refused(turn, link, f"A framework does not say {type(message).__name__}")
